package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// execute runs or resumes a program under the operator's eyes and hands: it
// shows what happens, and turns signals into stops.
func (a *App) execute(ctx context.Context, p *executor.Program, do func(context.Context, *executor.Runner) (*journal.State, error)) (err error) {
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := store.Close(); cerr != nil && err == nil {
			err = cerr
		}
	}()
	screen := a.newScreen(p)
	ctx, stop, release := a.signals(ctx, screen)
	defer release()
	r, err := a.runner(store, screen, stop)
	if err != nil {
		return err
	}
	state, err := do(ctx, r)
	screen.close()
	if err != nil {
		if state != nil && state.ID != "" {
			screen.lost(state)
		}
		return err
	}
	if settled, err := r.CloseSettled(ctx, state); err != nil {
		screen.note("what this run put right could not be noted in earlier runs: " + err.Error())
	} else {
		for _, line := range settled {
			screen.note("put right, run " + line)
		}
	}
	return a.conclude(state)
}

// conclude prints the summary of a run that ended and gives its exit code.
func (a *App) conclude(state *journal.State) error {
	if a.json() {
		// The events were printed as they came; the last one holds the status.
	} else {
		a.summary(state)
	}
	if code := statusCode(state.Status); code != exitOK {
		return &exitError{code: code, shown: true, err: fmt.Errorf("run %s %s", state.ID, state.Status)}
	}
	return nil
}

// errNow is the cause of a context that the operator ended with a second
// signal.
var errNow = errors.New("stopped at once")

// signals gives a context and a channel: the first signal closes the channel
// (stop at the next safe point), the second ends the context (stop now).
func (a *App) signals(parent context.Context, screen *screen) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	stop, done, finished := make(chan struct{}), make(chan struct{}), make(chan struct{})
	got := make(chan os.Signal, 2)
	// A reader that goes away (head, a pager) must not end a run half-way. The
	// signal is caught, not ignored: children would inherit that.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(finished)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-got:
			}
			switch n {
			case 0:
				screen.note("stopping after the current step; press Ctrl-C again to stop now")
				close(stop)
			case 1:
				screen.note("stopping now")
				cancel(executor.Stopped(errNow))
			}
		}
	}()
	return ctx, stop, func() {
		signal.Stop(got)
		signal.Stop(pipe)
		close(done)
		<-finished
		cancel(nil)
	}
}
