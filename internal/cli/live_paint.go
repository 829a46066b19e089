package cli

import (
	"fmt"
	"io"
	"strings"
)

// painter draws a picture over the one before, in place.
type painter struct {
	w      io.Writer
	prev   []string
	width  int
	failed bool
}

// picture draws lines, none of which is wider than the terminal. One write is
// one picture, so that a reader never meets half of it.
func (p *painter) picture(lines []string, width int) {
	if p.failed || len(lines) == 0 && len(p.prev) == 0 || width == p.width && same(lines, p.prev) {
		return
	}
	var b strings.Builder
	b.WriteString("\x1b[?7l") // what is measured wrongly is cut, not wrapped
	if up := rows(p.prev, width); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	b.WriteString("\r")
	if width != p.width && p.width != 0 {
		b.WriteString("\x1b[J") // lines were wrapped anew
	}
	for _, l := range lines {
		b.WriteString(l + "\x1b[K\r\n")
	}
	b.WriteString("\x1b[J\x1b[?7h")
	p.prev, p.width = lines, width
	if _, err := io.WriteString(p.w, b.String()); err != nil {
		p.failed = true // nobody looks; the run goes on
	}
}

// rows counts the rows that lines take on a terminal that was made narrower
// since: it wraps what it shows.
func rows(lines []string, width int) int {
	n := 0
	for _, l := range lines {
		n += max(1, (visible(l)+width-1)/max(width, 1))
	}
	return n
}
