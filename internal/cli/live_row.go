package cli

import (
	"strings"
)

// row draws one step: sign, word, name, action and time in columns that do not
// move, and below it what must not be missed.
func (f frame) row(r row, fold folding) []line {
	s := f.m.standing(r)
	indent := strings.Repeat("  ", r.depth)
	nameCode := ""
	if r.block || s.sign == "·" {
		nameCode = map[bool]string{true: boldCode, false: dimCode}[r.block]
	}
	name, uses := f.columns()
	label := indent + clean(r.label)
	out := line{{" " + s.sign + " ", s.code}, {fit(s.word, 9), s.code}, {fit(label, name) + " ", nameCode}}
	if uses > 0 {
		out = append(out, span{fit(r.uses, uses) + " ", infoCode})
	}
	if took := f.m.clock(r, f.now); took != "" || f.width >= wide {
		out = append(out, span{pad(took, clockColumns), dimCode})
	}
	detail := f.m.detail(r)
	if f.width >= wide && !r.block && (f.m.active(r) || !f.m.open(r)) {
		code := dimCode
		if f.m.active(r) {
			code = ""
		}
		out = append(out, span{"  " + detail, code})
	}
	return append([]line{out}, f.below(r, detail, fold)...)
}

// clockColumns is the width of the time of a step.
const clockColumns = 12

// columns gives the widths of name and action. Where there is no room for both,
// the name stays: it is what people read.
func (f frame) columns() (name, uses int) {
	if f.width >= wide {
		return 42, 22
	}
	name = max(f.width-12-1-clockColumns, 10)
	for _, r := range f.m.rows {
		if columnsOf(r.label)+2*r.depth > name-23 {
			return name, 0
		}
	}
	return name - 23, 22
}

// below is what stands under a step: why it ended as it did, in full; what a
// running step does and its last lines, faint.
func (f frame) below(r row, detail string, fold folding) []line {
	in := strings.Repeat(" ", 12+2*r.depth)
	var out []line
	st := f.m.state.Steps[r.path]
	switch {
	case st == nil:
		return nil
	case f.m.open(r) && !f.m.active(r):
		if r.block {
			return nil // the step that decided it says why
		}
		for _, part := range broken(detail, max(f.width-len(in)-1, 20)) {
			out = append(out, line{{in, ""}, {part, ""}})
		}
		if st.Failure != nil && st.Failure.Hint != "" {
			for i, part := range broken(clean(st.Failure.Hint), max(f.width-len(in)-7, 20)) {
				out = append(out, line{{in, ""}, {map[bool]string{true: "hint: ", false: "      "}[i == 0], dimCode}, {part, ""}})
			}
		}
	case f.m.active(r):
		if f.width < wide && detail != "" {
			out = append(out, line{{in, ""}, {detail, ""}})
		}
		if fold.said {
			return out
		}
		for _, text := range f.m.said[r.path] {
			out = append(out, line{{in, ""}, {text, dimCode}})
		}
	case f.last && f.width < wide && detail != "":
		out = append(out, line{{in, ""}, {detail, dimCode}})
	}
	return out
}

// pad puts text at the right of so many columns.
func pad(text string, columns int) string {
	if n := columnsOf(text); n < columns {
		return strings.Repeat(" ", columns-n) + text
	}
	return text
}

// broken wraps text and breaks words that are too long for a line, as paths are.
func broken(text string, width int) []string {
	var out []string
	for _, l := range wrapText(text, width) {
		for runes := []rune(l); ; runes = runes[width:] {
			if len(runes) <= width {
				out = append(out, string(runes))
				break
			}
			out = append(out, string(runes[:width]))
		}
	}
	return out
}
