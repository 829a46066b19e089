package postgres

import (
	"bytes"
	"strings"
)

// Each of these is one place that a scanner can be in. It takes the bytes that
// belong to it, at least one.

func (s *scanner) singleQuote(p []byte) int {
	for i, b := range p {
		switch {
		case s.escaped:
			s.escaped = false
		case b == '\\' && s.escapes:
			s.escaped = true
		case b == '\'':
			// Two quotes are one in the text: it ends and begins again, and
			// nothing that matters is between.
			s.keepAll(p[:i])
			s.prev, s.in = '\'', afterQuote
			s.keep(b)
			return i + 1
		}
	}
	s.keepAll(p)
	return len(p)
}

// afterQuote tells the end of a quote from a quote that is doubled: within E”
// a backslash goes on to escape.
func (s *scanner) afterQuote(p []byte) int {
	if p[0] == '\'' {
		s.in = singleQuote
		s.keep(p[0])
		return 1
	}
	s.in = plainText
	return s.plainText(p)
}

func (s *scanner) keepAll(p []byte) {
	for _, b := range p[:min(len(p), mostHead)] {
		if len(s.head) >= mostHead {
			return
		}
		s.keep(b)
	}
}

func (s *scanner) doubleQuote(p []byte) int {
	i := bytes.IndexByte(p, '"')
	if i < 0 {
		s.keepAll(p)
		return len(p)
	}
	s.keepAll(p[:i])
	s.keep('"')
	s.prev, s.in = '"', plainText
	return i + 1
}

// dollarTag reads what may begin a dollar quote; $1 and a lone $ do not.
func (s *scanner) dollarTag(p []byte) int {
	b := p[0]
	switch digit := b >= '0' && b <= '9'; {
	case b == '$':
		s.tag = append(s.tag, b)
		s.try, s.in = s.try[:0], dollarBody
	case isWord(b) && (!digit || len(s.tag) > 1) && len(s.tag) < 64:
		s.tag = append(s.tag, b)
	default: // no quote: it is read again as text
		s.tag, s.in, s.prev = s.tag[:0], plainText, '$'
		return s.plainText(p)
	}
	s.keep(b)
	return 1
}

func (s *scanner) dollarBody(p []byte) int {
	if len(s.try) == 0 {
		i := bytes.IndexByte(p, '$')
		if i < 0 {
			return len(p)
		}
		s.try = append(s.try, '$')
		return i + 1
	}
	switch b := p[0]; {
	case b == s.tag[len(s.try)]:
		s.try = append(s.try, b)
		if len(s.try) == len(s.tag) {
			s.tag, s.try, s.prev, s.in = s.tag[:0], s.try[:0], '\'', plainText
		}
		return 1
	case b == '$':
		s.try = s.try[:1]
		return 1
	default:
		s.try = s.try[:0]
		return 1
	}
}

func (s *scanner) blockComment(p []byte) int {
	b := p[0]
	switch {
	case b == '*' && s.prev == '/':
		s.depth, b = s.depth+1, ' '
	case b == '/' && s.prev == '*':
		s.depth, b = s.depth-1, ' '
		if s.depth == 0 {
			s.in = plainText
		}
	}
	s.prev = b
	return 1
}

// wholeLine is a comment, or a command of psql, to the end of the line.
func (s *scanner) wholeLine(p []byte) int {
	text, n, ended := untilLine(p)
	s.line = append(s.line, text[:min(len(text), mostLine-min(len(s.line), mostLine))]...)
	if ended {
		s.finishLine()
	}
	return n
}

func (s *scanner) finishLine() {
	tell := s.remark
	if s.in == command {
		tell = s.meta
	}
	if tell != nil {
		tell(strings.TrimSpace(string(s.line)))
	}
	s.line, s.prev, s.in = s.line[:0], '\n', plainText
}

func (s *scanner) restOfCopy(p []byte) int {
	_, n, ended := untilLine(p)
	if ended {
		s.line, s.in = s.line[:0], rowsOfCopy
	}
	return n
}

// rowsOfCopy reads until a line that holds nothing but \. and the end.
func (s *scanner) rowsOfCopy(p []byte) int {
	text, n, ended := untilLine(p)
	if len(s.line) < 4 {
		s.line = append(s.line, text[:min(len(text), 4)]...)
	}
	if !ended {
		return n
	}
	if line := strings.TrimSuffix(string(s.line), "\r"); line == `\.` {
		s.prev, s.in = '\n', plainText
	} else if s.row != nil {
		s.row()
	}
	s.line = s.line[:0]
	return n
}

func untilLine(p []byte) (text []byte, n int, ended bool) {
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		return p[:i], i + 1, true
	}
	return p, len(p), false
}
