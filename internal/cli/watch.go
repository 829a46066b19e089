package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// look is how often a run of another process is looked at.
const look = 250 * time.Millisecond

// watch follows a run of whatever process from its journal, with the view that
// the process itself has, until it ends. To stop watching stops nothing.
func (a *App) watch(ctx context.Context, id string) (err error) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	full, err := runID(ctx, store, id)
	if err != nil {
		return err
	}
	seen, err := store.Events(ctx, full)
	if err != nil {
		return err
	}
	state, err := journal.Fold(seen)
	if err != nil {
		return err
	}
	p, err := a.compileSource(state.Started.Source)
	if err != nil {
		return err
	}
	screen, restore, err := a.stage(p, nil)
	if err != nil {
		return err
	}
	defer restore()
	for _, e := range seen {
		screen.Event(e)
	}
	return a.follow(ctx, store, screen, len(seen), full)
}

func (a *App) follow(ctx context.Context, store journal.Store, screen *watched, known int, run string) error {
	for {
		events, err := store.Events(ctx, run)
		select {
		case <-ctx.Done():
			screen.note("the run goes on; look again with: " + a.command("status "+run+" --watch"))
			screen.close()
			return nil
		default:
		}
		if err != nil {
			screen.close()
			return err
		}
		for _, e := range events[min(known, len(events)):] {
			screen.Event(e)
		}
		known = len(events)
		state, err := journal.Fold(events)
		if err != nil {
			screen.close()
			return err
		}
		if state.Status != journal.Running {
			screen.close()
			return a.conclude(state)
		}
		if liveStatus(state) == journal.Interrupted {
			if l, ok := screen.display.(*live); ok {
				l.interrupted(journal.Interrupted)
			}
			screen.note(fmt.Sprintf("the process that ran it is gone; go on with: %s", a.command("resume "+run)))
			screen.close()
			return &exitError{code: exitFailed, shown: !a.machine(), err: fmt.Errorf("run %s was interrupted", run)}
		}
		select {
		case <-ctx.Done():
		case <-time.After(look):
		}
	}
}
