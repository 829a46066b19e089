package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// watched is a display that knows whether the run has begun.
type watched struct {
	display
	run atomic.Pointer[string]
}

// Event implements executor.Watcher.
func (w *watched) Event(e journal.Event) {
	w.run.Store(&e.Run)
	w.display.Event(e)
}

// execute runs or resumes a program under the operator's eyes and hands: it
// shows what happens, and turns signals into stops. Past are the events of a
// run that is resumed.
func (a *App) execute(ctx context.Context, p *executor.Program, past []journal.Event, do func(context.Context, *executor.Runner) (*journal.State, error)) (err error) {
	if err := enoughFiles(); err != nil {
		return err
	}
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := store.Close(); cerr != nil && err == nil {
			err = cerr
		}
	}()
	screen, restore, err := a.stage(p, past)
	if err != nil {
		return err
	}
	defer restore()
	ctx, stop, release := a.signals(ctx, screen)
	defer release()
	r, err := a.runner(store, screen, stop)
	if err != nil {
		return err
	}
	state, err := do(ctx, r)
	if err != nil {
		if state != nil && state.ID != "" {
			screen.note(fmt.Sprintf("run %s is not over; see: %s", state.ID, a.command("status "+state.ID)))
		}
		screen.close()
		return a.unbegun(screen, err)
	}
	settled, serr := r.CloseSettled(ctx, state)
	if serr != nil {
		screen.note("what this run put right could not be noted in earlier runs: " + serr.Error())
	}
	for _, line := range settled {
		screen.note("put right, run " + line)
	}
	screen.close()
	return a.conclude(state)
}

// stage makes the display. What is printed while it stands goes through a
// spool: whoever reads it may be slow or gone, and the run goes on.
func (a *App) stage(p *executor.Program, past []journal.Event) (*watched, func(), error) {
	out, errs := a.Out, a.Err
	d, err := a.newDisplay(p, past)
	if err != nil {
		return nil, nil, err
	}
	a.spools = []*spool{newSpool(errs, a.ErrTTY)}
	a.Err = a.spools[0]
	if a.mode != progressTTY { // the live view has a painter that nobody waits for
		a.spools = append(a.spools, newSpool(out, a.OutTTY))
		a.Out = a.spools[1]
	}
	return &watched{display: d}, func() {
		for _, s := range a.spools {
			s.close()
		}
		a.Out, a.Err = out, errs
	}, nil
}

// unbegun says of a run that the operator stopped before its first event that
// nothing of it is left.
func (a *App) unbegun(w *watched, err error) error {
	if w.run.Load() != nil || !errors.Is(err, errNow) {
		return err
	}
	return &exitError{code: exitCancelled, err: errors.New("stopped before it began; nothing was changed and there is nothing to resume")}
}

// conclude prints the summary of a run that ended and gives its exit code.
func (a *App) conclude(state *journal.State) error {
	if !a.machine() { // the last event holds the status
		a.summary(state)
	}
	if code := statusCode(state.Status); code != exitOK {
		return &exitError{code: code, shown: true, err: fmt.Errorf("run %s %s", state.ID, state.Status)}
	}
	return nil
}

// command is how a command of this program is written, under the name by which
// it was called.
func (a *App) command(rest string) string { return a.self() + " " + rest }

// self is the name of this program: runback, or kubectl runback.
func (a *App) self() string {
	if a.Plugin {
		return "kubectl runback"
	}
	return "runback"
}
