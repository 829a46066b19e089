package schema

import (
	"fmt"
	"strings"
	"unicode"
)

// maxSnippet keeps a hostile or generated line from flooding the screen.
const maxSnippet = 160

// snippet shows a line with a caret under a place. Of a long line it shows the
// part around the place.
func snippet(n int, text string, col, width int) string {
	runes := []rune(strings.TrimRight(text, "\r"))
	for i, r := range runes {
		if hidden(r) || r == unicode.ReplacementChar {
			runes[i] = unicode.ReplacementChar // a terminal would obey it
		}
	}
	if start := col - maxSnippet/2; len(runes) > maxSnippet && start > 1 {
		runes, col = append([]rune{'…'}, runes[min(start, len(runes)):]...), col-start+1
	}
	if len(runes) > maxSnippet {
		runes = append(runes[:maxSnippet:maxSnippet], '…')
	}
	gutter := fmt.Sprintf("%4d", n)
	s := fmt.Sprintf("%s | %s\n", gutter, string(runes))
	if col < 1 || col > len(runes)+1 {
		return s
	}
	end := min(col-1+max(width, 1), len(runes))
	marked := columns(runes[col-1 : max(end, col-1)])
	return s + fmt.Sprintf("%s | %s%s\n", strings.Repeat(" ", len(gutter)), indentLike(runes[:col-1]), strings.Repeat("^", max(marked, 1)))
}

// indentLike gives white space as wide as the text. Tabs are repeated, so that
// the caret stays below its column whatever the tab width of the terminal.
func indentLike(runes []rune) string {
	var b strings.Builder
	for _, r := range runes {
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", columns([]rune{r})))
	}
	return b.String()
}

// columns counts the cells that a terminal gives to the text.
func columns(runes []rune) int {
	n := 0
	for _, r := range runes {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func wide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) ||
		r >= 0x3000 && r <= 0x303e || r >= 0xff01 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff
}
