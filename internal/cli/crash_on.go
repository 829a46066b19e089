//go:build crashpoints

package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"syscall"

	"github.com/runbackhq/runback/internal/journal"
)

// crashPoints end the process, as SIGKILL does, at the point that
// RUNBACK_CRASH_AT names; they exist only in the program that tests build.
//
//	append:N   before the N-th journal event is written
//	event:N    right after it became durable, before anything follows from it
//	request:N  before the N-th request to an API server is sent
//	reply:N    after it was answered, before anybody sees the answer
//
// With RUNBACK_CRASH_LOG every point that is passed is noted in that file.
type crashPoints struct {
	mu       sync.Mutex
	appends  int
	requests int
}

func (c *crashPoints) at(a *App, point string) {
	if file := a.Env("RUNBACK_CRASH_LOG"); file != "" {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(f, point)
			_ = f.Close()
		}
	}
	if a.Env("RUNBACK_CRASH_AT") == point {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

func (c *crashPoints) store(a *App, s journal.Store) journal.Store {
	return &crashStore{s, c, a}
}

type crashStore struct {
	journal.Store
	c *crashPoints
	a *App
}

// Append implements journal.Store.
func (s *crashStore) Append(ctx context.Context, e journal.Event, claim journal.Claim) error {
	s.c.mu.Lock()
	s.c.appends++
	n := s.c.appends
	s.c.mu.Unlock()
	s.c.at(s.a, fmt.Sprint("append:", n))
	err := s.Store.Append(ctx, e, claim)
	s.c.at(s.a, fmt.Sprint("event:", n))
	return err
}

func (c *crashPoints) wire(a *App) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper { return crashWire{next, c, a} }
}

type crashWire struct {
	next http.RoundTripper
	c    *crashPoints
	a    *App
}

// RoundTrip implements http.RoundTripper.
func (w crashWire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.c.mu.Lock()
	w.c.requests++
	n := w.c.requests
	w.c.mu.Unlock()
	w.c.at(w.a, fmt.Sprint("request:", n))
	resp, err := w.next.RoundTrip(r)
	w.c.at(w.a, fmt.Sprint("reply:", n))
	return resp, err
}
