package cli

import (
	"io"
	"sync"
)

// spool lets a run go on whatever becomes of its output: a pager that does not
// read, a terminal that was closed, a disk that is full. Writes are queued and
// never fail; after the first error of the writer the rest is dropped.
type spool struct {
	w    io.Writer
	tty  bool // w is a terminal
	mu   sync.Mutex
	cond *sync.Cond
	todo []byte
	busy bool
	dead bool
	over bool
}

func newSpool(w io.Writer, tty bool) *spool {
	s := &spool{w: w, tty: tty}
	s.cond = sync.NewCond(&s.mu)
	go s.drain()
	return s
}

// Write implements io.Writer.
func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead && !s.over {
		s.todo = append(s.todo, p...)
		s.cond.Broadcast()
	}
	return len(p), nil
}

// hangUp gives the rest up when the terminal was closed: nobody looks any more.
// Files and pipes are read by somebody else.
func (s *spool) hangUp() {
	if !s.tty {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead, s.todo = true, nil
	s.cond.Broadcast()
}

// flush waits until everything is written or nothing can be.
func (s *spool) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.dead && (len(s.todo) > 0 || s.busy) {
		s.cond.Wait()
	}
}

func (s *spool) close() {
	s.flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.cond.Broadcast()
}

func (s *spool) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.todo) == 0 && !s.over {
			s.cond.Wait()
		}
		if s.over && (s.dead || len(s.todo) == 0) {
			return
		}
		next := s.todo
		s.todo, s.busy = nil, true
		s.mu.Unlock()
		_, err := s.w.Write(next)
		s.mu.Lock()
		s.busy = false
		if err != nil {
			s.dead, s.todo = true, nil
		}
		s.cond.Broadcast()
	}
}
