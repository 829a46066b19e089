package crashtest

import (
	"context"
	"runtime"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/sqlite"
)

// thread does things on one thread of the operating system, so that strace,
// which counts calls by thread, counts the same in every run.
type thread chan func()

func newThread() thread {
	t := make(thread)
	go func() {
		runtime.LockOSThread()
		for f := range t {
			f()
		}
	}()
	return t
}

func (t thread) do(f func()) {
	done := make(chan struct{})
	t <- func() { defer close(done); f() }
	<-done
}

func on[T any](t thread, f func() (T, error)) (v T, err error) {
	t.do(func() { v, err = f() })
	return v, err
}

// threadStore is the real store, on that thread.
type threadStore struct {
	t  thread
	in journal.Store
}

func openOn(ctx context.Context, t thread, file string) (journal.Store, error) {
	in, err := on(t, func() (journal.Store, error) { return sqlite.Open(ctx, file) })
	return threadStore{t, in}, err
}

func (s threadStore) Append(ctx context.Context, e journal.Event, c journal.Claim) error {
	_, err := on(s.t, func() (any, error) { return nil, s.in.Append(ctx, e, c) })
	return err
}

func (s threadStore) Holding(ctx context.Context, target string) (journal.Holding, error) {
	return on(s.t, func() (journal.Holding, error) { return s.in.Holding(ctx, target) })
}

func (s threadStore) Claim(ctx context.Context, was journal.Holding, run string, by journal.Process) (journal.Claim, error) {
	return on(s.t, func() (journal.Claim, error) { return s.in.Claim(ctx, was, run, by) })
}

func (s threadStore) Release(ctx context.Context, c journal.Claim) error {
	_, err := on(s.t, func() (any, error) { return nil, s.in.Release(ctx, c) })
	return err
}

func (s threadStore) Events(ctx context.Context, run string) ([]journal.Event, error) {
	return on(s.t, func() ([]journal.Event, error) { return s.in.Events(ctx, run) })
}

func (s threadStore) Runs(ctx context.Context) ([]journal.Span, error) {
	return on(s.t, func() ([]journal.Span, error) { return s.in.Runs(ctx) })
}

func (s threadStore) Post(ctx context.Context, n journal.Note) error {
	_, err := on(s.t, func() (any, error) { return nil, s.in.Post(ctx, n) })
	return err
}

func (s threadStore) Notes(ctx context.Context, run string, after int64) ([]journal.Note, error) {
	return on(s.t, func() ([]journal.Note, error) { return s.in.Notes(ctx, run, after) })
}

func (s threadStore) Close() error {
	_, err := on(s.t, func() (any, error) { return nil, s.in.Close() })
	return err
}
