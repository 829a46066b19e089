package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Diagnostic is one mistake in a document: where it is, what is wrong, and
// what to do about it.
type Diagnostic struct {
	Pos     Pos    `json:"pos"`
	Width   int    `json:"width,omitempty"` // columns to underline, at least 1
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Diagnostics is every mistake found in one document. It is an error when it
// is not empty; use Err to turn an empty list into nil.
type Diagnostics []Diagnostic

// Error gives one line for each mistake, in the order of the file.
func (ds Diagnostics) Error() string {
	lines := make([]string, 0, len(ds))
	for _, d := range ds.Sorted() {
		lines = append(lines, d.line())
	}
	return strings.Join(lines, "\n")
}

// Err is nil for an empty list, so that callers do not return a typed nil.
func (ds Diagnostics) Err() error {
	if len(ds) == 0 {
		return nil
	}
	return ds
}

// Sorted gives the mistakes in the order of the file, each one once.
func (ds Diagnostics) Sorted() Diagnostics {
	out := slices.Clone(ds)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return slices.Compact(out)
}

func (d Diagnostic) line() string {
	s := d.Pos.String() + ": " + d.Message
	if d.Hint != "" {
		s += " (" + d.Hint + ")"
	}
	return s
}

// Render prints every mistake with its line and a caret under the place:
//
//	canary.yaml:12:9: unknown field "usess"
//	  12 |         usess: k8s.scale
//	     |         ^^^^^
//	  hint: did you mean "uses"?
func (ds Diagnostics) Render(source []byte) string {
	lines := strings.Split(strings.TrimPrefix(string(source), byteOrderMark), "\n")
	var b strings.Builder
	for i, d := range ds.Sorted() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s\n", d.Pos, d.Message)
		if n := d.Pos.Line; n >= 1 && n <= len(lines) {
			b.WriteString(snippet(n, lines[n-1], d.Pos.Col, d.Width))
		}
		if d.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", d.Hint)
		}
	}
	return b.String()
}

// maxMessage bounds a message that quotes the document.
const maxMessage = 400

func clip(message string) string {
	if r := []rune(message); len(r) > maxMessage {
		return string(r[:maxMessage]) + "…"
	}
	return message
}
