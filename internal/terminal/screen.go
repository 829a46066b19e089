// Package terminal is a terminal for tests: a program runs on a real
// pseudo-terminal, and what its screen and its scrollback show can be read.
package terminal

import (
	"strconv"
	"strings"
	"sync"
)

// Screen interprets what a program writes: text, line ends and the few codes
// that the live view uses. What scrolled away is kept.
type Screen struct {
	mu            sync.Mutex
	width, height int
	rows          [][]rune
	top, row, col int
	nowrap        bool
	half          []byte // of a code or a character that is not complete
	widest        int
	pictures      int
	odd           []string
}

// NewScreen makes an empty screen.
func NewScreen(width, height int) *Screen { return &Screen{width: width, height: height} }

// Write implements io.Writer.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(append(s.half, p...))
	s.half = nil
	for text != "" {
		n := s.next(text)
		if n == 0 {
			s.half = []byte(text)
			break
		}
		text = text[n:]
	}
	return len(p), nil
}

// next interprets the beginning of the text and says how much of it that was.
func (s *Screen) next(text string) int {
	switch text[0] {
	case '\x1b':
		return s.code(text)
	case '\r':
		s.col = 0
	case '\n':
		s.down()
	case '\b':
		s.col = max(s.col-1, 0)
	case '\a':
	default:
		r := []rune(text[:min(len(text), 4)])[0]
		if r == '�' && len(text) < 4 {
			return 0
		}
		s.put(r)
		return len(string(r))
	}
	return 1
}

func (s *Screen) code(text string) int {
	if len(text) < 2 {
		return 0
	}
	end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	if text[1] != '[' || end < 0 {
		if len(text) > 32 || text[1] != '[' {
			s.odd = append(s.odd, text[:min(len(text), 8)])
			return 2
		}
		return 0
	}
	arg, verb := text[2:2+end], text[2+end]
	n, _ := strconv.Atoi(arg)
	switch {
	case arg == "?7" && (verb == 'l' || verb == 'h'):
		s.nowrap = verb == 'l'
		if s.nowrap {
			s.pictures++
		}
	case verb == 'A':
		s.row = max(s.row-max(n, 1), s.top)
	case verb == 'K' && arg == "":
		s.cut(s.row)
	case verb == 'J' && arg == "":
		s.cut(s.row)
		s.rows = s.rows[:min(len(s.rows), s.row+1)]
	case verb == 'm': // colours are not kept
	default:
		s.odd = append(s.odd, text[:3+end])
	}
	return 3 + end
}

func (s *Screen) cut(row int) {
	if row < len(s.rows) {
		s.rows[row] = s.rows[row][:min(len(s.rows[row]), s.col)]
	}
}

func (s *Screen) down() {
	s.row++
	s.top = max(s.top, s.row-s.height+1)
}

func (s *Screen) put(r rune) {
	if s.col >= s.width {
		if s.nowrap {
			s.odd = append(s.odd, "a line that is too long")
			return
		}
		s.col = 0
		s.down()
	}
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	for len(s.rows[s.row]) <= s.col {
		s.rows[s.row] = append(s.rows[s.row], ' ')
	}
	s.rows[s.row][s.col] = r
	s.col++
	s.widest = max(s.widest, s.col)
}

// Resize makes the terminal so wide from now on. Lines that are there stay.
func (s *Screen) Resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width, s.height, s.widest = width, height, 0
}

// Text is everything that was shown and not drawn over, scrollback included.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, r := range s.rows {
		b.WriteString(strings.TrimRight(string(r), " ") + "\n")
	}
	return b.String()
}

// Widest is the widest line that was written since the last resize.
func (s *Screen) Widest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.widest
}

// Pictures counts how often the live view drew.
func (s *Screen) Pictures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pictures
}

// Odd lists codes that a plain terminal may not know, and lines that ran over
// its edge.
func (s *Screen) Odd() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.odd
}
