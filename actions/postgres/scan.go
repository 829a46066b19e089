package postgres

import (
	"bytes"
)

// scanner goes through a file of SQL as psql does, without keeping it: it tells
// the statements apart (quotes, dollar quotes, comments, bodies between BEGIN
// ATOMIC and END), counts the rows of COPY, and finds the commands of psql
// itself. It is an io.Writer, so a file streams through it.
type scanner struct {
	statement func(head string) // the beginning of a statement, in one line, comments left out
	meta      func(line string) // a command of psql: \connect and the like
	remark    func(text string) // what a comment of one line says
	row       func()            // one row of the last COPY

	in      place
	head    []byte
	began   bool   // something of a statement was read
	line    []byte // beginning of a comment, a command or a row
	word    []byte // word that is being read
	last    string // the one before
	prev    byte   // byte before
	tag     []byte // of a dollar quote
	try     []byte // what may be its end
	depth   int    // of comments in comments
	bodies  int    // of BEGIN ATOMIC
	routine bool   // the statement makes a function
	escapes bool   // whether a backslash escapes in the quote that is open
	escaped bool
	legacy  bool // standard_conforming_strings is off
}

// place is what the next byte stands in.
type place uint8

const (
	plainText place = iota
	singleQuote
	afterQuote
	doubleQuote
	dollarTag
	dollarBody
	blockComment
	lineComment
	command
	restOfCopy // behind COPY, before its rows
	rowsOfCopy
)

const (
	mostHead = 4 << 10
	mostLine = 256
)

// Write takes the next part of the file.
func (s *scanner) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		rest = rest[s.take(rest):]
	}
	return len(p), nil
}

// take goes on in the place where the scanner is, by one byte at least.
func (s *scanner) take(p []byte) int {
	switch s.in {
	case singleQuote:
		return s.singleQuote(p)
	case afterQuote:
		return s.afterQuote(p)
	case doubleQuote:
		return s.doubleQuote(p)
	case dollarTag:
		return s.dollarTag(p)
	case dollarBody:
		return s.dollarBody(p)
	case blockComment:
		return s.blockComment(p)
	case lineComment, command:
		return s.wholeLine(p)
	case restOfCopy:
		return s.restOfCopy(p)
	case rowsOfCopy:
		return s.rowsOfCopy(p)
	default:
		return s.plainText(p)
	}
}

// end says whether the file ends where a statement does: not within a quote, a
// comment, a statement or the rows of COPY.
func (s *scanner) end() bool {
	if s.in == lineComment || s.in == command {
		s.finishLine()
	}
	return s.in == plainText && !s.began
}

func (s *scanner) plainText(p []byte) int {
	b := p[0]
	prev := s.prev
	s.prev = b
	if isWord(b) && (len(s.word) > 0 || !isWord(prev)) {
		if len(s.word) < 64 {
			s.word = append(s.word, b)
		}
	} else if len(s.word) > 0 {
		s.endWord()
	}
	switch {
	case b == '-' && prev == '-':
		s.takeBack()
		s.line, s.in = s.line[:0], lineComment
		return 1
	case b == '*' && prev == '/':
		s.takeBack()
		s.depth, s.prev, s.in = 1, ' ', blockComment
		return 1
	case b == '\\':
		s.line, s.in = append(s.line[:0], b), command
		return 1
	case b == '\'':
		s.escapes, s.escaped, s.in = s.legacy || isWord(prev) && s.last == "e", false, singleQuote
	case b == '"':
		s.in = doubleQuote
	case b == '$' && !isWord(prev) && prev != '$':
		s.tag, s.in = append(s.tag[:0], b), dollarTag
	case b == ';' && s.bodies == 0:
		s.endStatement()
		return 1
	}
	s.keep(b)
	return 1
}

func isWord(b byte) bool {
	return b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b >= 0x80
}

// keep adds to the head of the statement, white space as one blank.
func (s *scanner) keep(b byte) {
	space := b == ' ' || b == '\n' || b == '\t' || b == '\r' || b == '\f' || b == '\v'
	if space && (len(s.head) == 0 || s.head[len(s.head)-1] == ' ') {
		return
	}
	if space {
		b = ' '
	} else {
		s.began = true
	}
	if len(s.head) < mostHead {
		s.head = append(s.head, b)
	}
}

// takeBack removes the first byte of a comment, which was taken for text.
func (s *scanner) takeBack() {
	if n := len(s.head); n > 0 && n < mostHead {
		s.head = s.head[:n-1]
	}
	s.began = len(bytes.TrimSpace(s.head)) > 0
	s.keep(' ')
}
