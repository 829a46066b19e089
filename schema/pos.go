package schema

import "fmt"

// Pos is a place in a file. Line and Col count from 1; a zero Line means that
// the value was not written in a file (a command-line flag, a default).
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
}

// String gives file:line:col, the form editors and terminals make clickable.
func (p Pos) String() string {
	switch {
	case p.Line == 0 && p.File == "":
		return "-"
	case p.Line == 0:
		return p.File
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
	}
}

// After gives the place n columns further on the same line.
func (p Pos) After(n int) Pos {
	if p.Line == 0 {
		return p
	}
	p.Col += n
	return p
}
