package schema

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Within finds a place inside the text of a scalar: at is where the text
// begins in the document, offset counts the runes of the text. A scalar may be
// folded, quoted and escaped, so the document is read along with the text.
func Within(src []byte, at Pos, text string, offset int) Pos {
	if at.Line < 1 {
		return at
	}
	lines := strings.Split(string(src), "\n")
	w := newWalker(lines, at)
	runes := []rune(text)
	w.through(string(runes[:min(max(offset, 0), len(runes))]))
	w.skipSpace()
	return w.pos()
}

// walker reads a document along with the decoded text of one of its scalars.
// White space is where the two differ most (folding, indentation), so it is
// skipped on both sides. Once they differ in anything else the walker stays
// where it is: a place nearby is better than one that is wrong.
type walker struct {
	file  string
	lines []string
	line  int // from 0
	col   int // from 0, in runes
	rest  string
	lost  bool
}

func newWalker(lines []string, at Pos) *walker {
	w := &walker{file: at.File, lines: lines, line: at.Line - 1}
	if w.line < 0 || w.line >= len(lines) {
		w.lost = true
		return w
	}
	w.rest = lines[w.line]
	w.to(at.Col)
	return w
}

// to moves to a column of the line, counted from 1.
func (w *walker) to(col int) {
	for w.col < col-1 && w.rest != "" {
		w.step()
	}
}

func (w *walker) pos() Pos { return Pos{File: w.file, Line: w.line + 1, Col: w.col + 1} }

func (w *walker) step() {
	if _, n := utf8.DecodeRuneInString(w.rest); n > 0 {
		w.rest = w.rest[n:]
		w.col++
	}
}

func (w *walker) peek() rune {
	r, n := utf8.DecodeRuneInString(w.rest)
	if n == 0 {
		return '\n'
	}
	return r
}

func (w *walker) skipSpace() {
	for !w.lost && unicode.IsSpace(w.peek()) {
		if w.rest != "" {
			w.step()
			continue
		}
		if w.line+1 >= len(w.lines) {
			return
		}
		w.line, w.col, w.rest = w.line+1, 0, w.lines[w.line+1]
	}
}

// through moves past a piece of the text.
func (w *walker) through(text string) {
	runes := append([]rune(text), 0)
	for i, r := range runes[:len(runes)-1] {
		w.over(r, runes[i+1])
	}
}

// over moves past one rune of the text; next is the rune after it.
func (w *walker) over(r, next rune) {
	if unicode.IsSpace(r) || w.lost {
		return
	}
	for {
		w.skipSpace()
		got, escaped := w.escape(r)
		if !escaped {
			break
		}
		if got == r {
			return
		}
		if !unicode.IsSpace(got) {
			w.lost = true
			return
		}
	}
	if w.peek() != r {
		w.lost = true
		return
	}
	w.step()
	// '' in single-quoted text and \\ in double-quoted text are one rune each.
	if (r == '\'' || r == '\\') && next != r && w.peek() == r {
		w.step()
	}
}

// escape moves past an escape of double-quoted text and says what it stands
// for. A backslash at the end of a line joins it to the next one.
func (w *walker) escape(want rune) (rune, bool) {
	if w.peek() != '\\' || want == '\\' {
		return 0, false
	}
	w.step()
	c := w.peek()
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[c]
	if w.rest == "" || digits == 0 {
		w.step()
		if c == '"' || c == '/' {
			return c, true
		}
		return ' ', true
	}
	w.step()
	hex := w.rest[:min(digits, len(w.rest))]
	for range len(hex) {
		w.step()
	}
	v, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return 0, true
	}
	return rune(v), true
}
