package postgres

import (
	"strings"
)

var (
	routineHead = lazily(`(?i)^create (or replace )?(function|procedure)\b`)
	copyHead    = lazily(`(?i)^copy\b.*\bfrom stdin\b`)
	legacyOff   = lazily(`(?i)^set standard_conforming_strings (?:=|to) '?(off|on)`)
)

// endWord follows the bodies of routines as psql does: only in CREATE FUNCTION
// and CREATE PROCEDURE do BEGIN, CASE and END keep a semicolon from ending the
// statement (psqlscan.l).
func (s *scanner) endWord() {
	s.last = strings.ToLower(string(s.word))
	s.word = s.word[:0]
	switch s.last {
	case "function", "procedure":
		s.routine = s.routine || routineHead().Match(s.head)
	case "begin":
		if s.routine {
			s.bodies++
		}
	case "case":
		if s.bodies > 0 {
			s.bodies++
		}
	case "end":
		if s.bodies > 0 {
			s.bodies--
		}
	}
}

func (s *scanner) endStatement() {
	head := strings.TrimSpace(string(s.head))
	s.head, s.began, s.routine, s.bodies, s.word = s.head[:0], false, false, 0, s.word[:0]
	if head == "" {
		return
	}
	if m := legacyOff().FindStringSubmatch(head); m != nil {
		s.legacy = strings.EqualFold(m[1], "off")
	}
	if s.statement != nil {
		s.statement(head)
	}
	if copyHead().MatchString(head) {
		s.in = restOfCopy
	}
}
