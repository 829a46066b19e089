package cli

import (
	"strings"
	"unicode"
)

// span is text of one colour; line is a line of the live view. A line is cut to
// the width of the terminal before it is coloured.
type span struct{ text, code string }

type line []span

// render gives the line in so many columns, cut with an ellipsis, never wrapped.
func (l line) render(columns int, st style) string {
	room := columns
	total := 0
	for _, s := range l {
		total += columnsOf(s.text)
	}
	cut := total > columns
	var b strings.Builder
	for _, s := range l {
		text := s.text
		if cut && columnsOf(text) > room-1 {
			text = cutTo(text, room)
			b.WriteString(st.paint(s.code, text))
			return b.String()
		}
		room -= columnsOf(text)
		b.WriteString(st.paint(s.code, text))
	}
	return b.String()
}

// cutTo shortens text to so many columns, the last of which is an ellipsis.
func cutTo(text string, columns int) string {
	if columns <= 0 {
		return ""
	}
	used := 0
	for i, r := range text {
		n := columnsOfRune(r)
		if used+n > columns-1 {
			return text[:i] + "…"
		}
		used += n
	}
	return text + "…"
}

// fit gives text in exactly so many columns.
func fit(text string, columns int) string {
	n := columnsOf(text)
	if n > columns {
		text = cutTo(text, columns)
		n = columnsOf(text)
	}
	return text + strings.Repeat(" ", max(columns-n, 0))
}

func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOfRune(r)
	}
	return n
}

// columnsOfRune counts the columns of a character: marks stand on the one
// before, and the scripts of East Asia and most pictures take two.
func columnsOfRune(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	default:
		return 1
	}
}

// clean takes out of text from elsewhere what would steer the terminal.
func clean(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || turns(r) }) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), turns(r):
			return '�'
		default:
			return r
		}
	}, text)
}
