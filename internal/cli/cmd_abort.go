package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

func (a *App) abortCmd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "abort RUN",
		Short: "End a run for good: no further step, finally is done",
		Long: `End a run for good. What is under way ends as it would, because to break it off
leaves a half done change; nothing else begins, and the finally steps are done. A
run that was aborted cannot be resumed. What it owes stays open and is shown.

A run that another process has in its hands is asked to end, and this command
waits until it has. One that nobody has (it was interrupted, cancelled or is in
doubt) is ended by this command; a step that was under way is asked of the target
first, and one that stays in doubt is decided with resume before.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ownTarget(); err != nil {
				return err
			}
			if strings.TrimSpace(reason) == "" {
				return usage(`add --reason "..."`, "a reason is required to abort a run")
			}
			return a.abort(cmd.Context(), args[0], reason)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; recorded in the journal")
	a.eventsFlag(cmd)
	return cmd
}

func (a *App) abort(ctx context.Context, id, reason string) error {
	past, err := a.events(ctx, id)
	if err != nil {
		return err
	}
	state, err := journal.Fold(past)
	if err != nil {
		return err
	}
	if !state.Status.Resumable() {
		return &exitError{code: exitRefused, hint: "see: runback status " + state.ID, err: fmt.Errorf("run %s is over: %s", state.ID, state.Status)}
	}
	if err := a.post(ctx, journal.Note{Run: state.ID, Kind: journal.NoteAbort, Text: reason}); err != nil {
		return err
	}
	if liveStatus(state) == journal.Running {
		return a.awaitAbort(ctx, state)
	}
	if err := resumable(state); err != nil {
		return err
	}
	p, err := a.compileSource(state.Started.Source)
	if err != nil {
		return err
	}
	return a.execute(ctx, p, past, func(ctx context.Context, r *executor.Runner) (*journal.State, error) {
		return r.Resume(ctx, p, state)
	})
}

// post leaves a note for the executor of a run.
func (a *App) post(ctx context.Context, n journal.Note) (err error) {
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	n.By, n.At = userName(), time.Now()
	return store.Post(ctx, n)
}

// awaitAbort waits until the executor of a run has ended it.
func (a *App) awaitAbort(ctx context.Context, state *journal.State) error {
	fmt.Fprintf(a.Err, "asked process %d to end run %s; what is under way ends first\n", state.Process.PID, state.ID)
	for {
		s, err := a.load(ctx, state.ID)
		if err != nil {
			return err
		}
		switch live := liveStatus(s); live {
		case journal.Running:
		case journal.Interrupted:
			return &exitError{code: exitFailed, hint: "runback abort " + s.ID + " ends it from here", err: fmt.Errorf("process %d of run %s is gone, and the run is not over", s.Process.PID, s.ID)}
		default:
			fmt.Fprintf(a.Out, "run %s is over: %s\n", s.ID, live)
			if s.Status != journal.Aborted {
				return &exitError{code: statusCode(s.Status), hint: "see: runback status " + s.ID, err: errors.New("it ended before the abort was heard")}
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return &exitError{code: exitCancelled, hint: "see: runback status " + state.ID, err: errors.New("nobody waits any longer; the run ends all the same when it hears of the abort")}
		case <-time.After(200 * time.Millisecond):
		}
	}
}
