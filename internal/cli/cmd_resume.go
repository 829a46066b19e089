package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/process"
)

func (a *App) resumeCmd() *cobra.Command {
	var f rulingFlags
	cmd := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that was interrupted, cancelled or left in doubt",
		Long: `Go on with a run. Finished steps are not done again. A step that was under way
is asked of the target first: it is done again only when the target says that it
did not take effect. The recorded playbook is run, never a newer file, and the
deadlines stay where they were.

When the target cannot say, the run is left in doubt and a person decides: look,
then --redo STEP does it again, and --skip STEP goes on without it.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.runIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ownTarget(); err != nil {
				return err
			}
			past, err := a.events(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			state, err := journal.Fold(past)
			if err != nil {
				return err
			}
			if err := resumable(state); err != nil {
				return err
			}
			if err := a.notUndone(cmd.Context(), state); err != nil {
				return err
			}
			p, err := a.compileSource(state.Started.Source)
			if err != nil {
				return err
			}
			rulings, err := f.rulings(state)
			if err != nil {
				return err
			}
			return a.execute(cmd.Context(), p, past, func(ctx context.Context, r *executor.Runner) (*journal.State, error) {
				return r.Resume(ctx, p, state, rulings...)
			})
		},
	}
	cmd.Flags().StringArrayVar(&f.redo, "redo", nil, "a step in doubt that did not take effect: do it again")
	cmd.Flags().StringArrayVar(&f.skip, "skip", nil, "a step in doubt that is not to be done: go on without it")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why it is skipped or done again; recorded in the journal")
	a.eventsFlag(cmd)
	complete(cmd, "redo", a.stepsOfRun(inDoubt))
	complete(cmd, "skip", a.stepsOfRun(inDoubt))
	return cmd
}

// rulingFlags are what the operator says of steps in doubt.
type rulingFlags struct {
	redo, skip []string
	reason     string
}

func (f rulingFlags) rulings(state *journal.State) ([]executor.Ruling, error) {
	if len(f.skip) > 0 && strings.TrimSpace(f.reason) == "" {
		return nil, usage(`add --reason "..."`, "a reason is required to skip a step")
	}
	for _, s := range f.redo {
		if slices.Contains(f.skip, s) {
			return nil, usage("decide for one of the two", fmt.Sprintf("step %s cannot be done again and skipped", s))
		}
	}
	var out []executor.Ruling
	for d, steps := range map[journal.Decision][]string{journal.Redo: f.redo, journal.SkipIt: f.skip} {
		for _, s := range steps {
			path, err := stepPath(state, s)
			if err != nil {
				return nil, err
			}
			out = append(out, executor.Ruling{Path: path, Decision: d, Reason: f.reason})
		}
	}
	return out, nil
}

// stepPath finds a step of a run by its path or by its id.
func stepPath(state *journal.State, step string) (string, error) {
	for _, p := range state.Order {
		if p == step || strings.HasSuffix(p, "/"+step) {
			return p, nil
		}
	}
	return "", usage("see: runback status "+state.ID, fmt.Sprintf("run %s has no step %q", state.ID, step))
}

// ownTarget refuses flags that name a target: a run that began has its own.
func (a *App) ownTarget() error {
	if a.flags.context != "" || a.flags.namespace != "" {
		return usage("leave out --context and --namespace", "a run keeps the target that it began with")
	}
	return nil
}

// notUndone refuses to go on with a run whose effects were taken back: what it
// remembers of its steps is no longer so.
func (a *App) notUndone(ctx context.Context, state *journal.State) (err error) {
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	spans, err := store.Runs(ctx)
	if err != nil {
		return err
	}
	for _, span := range spans {
		started, err := journal.Decode[journal.Started](span.First)
		if err != nil || started.Undoes != state.ID {
			continue
		}
		events, err := store.Events(ctx, span.First.Run)
		if err != nil {
			return err
		}
		if by, err := journal.Fold(events); err == nil && !by.Changed {
			continue
		}
		return &exitError{code: exitRefused, hint: "look at the target, then start a new run",
			err: fmt.Errorf("run %s was undone by run %s: what its steps did is no longer there", state.ID, span.First.Run)}
	}
	return nil
}

// resumable refuses a run that is over, and one that somebody still runs.
func resumable(state *journal.State) error {
	if !state.Status.Resumable() {
		return &exitError{code: exitRefused, hint: "see: runback status " + state.ID, err: fmt.Errorf("run %s is over: %s", state.ID, state.Status)}
	}
	if state.Status != journal.Running {
		return nil
	}
	alive, known := process.Alive(state.Process)
	switch {
	case alive:
		return &exitError{code: exitLocked, hint: "stop it there first, or wait: runback status " + state.ID,
			err: fmt.Errorf("run %s is being run by process %d", state.ID, state.Process.PID)}
	case !known:
		return &exitError{code: exitLocked, hint: "resume it on that machine",
			err: fmt.Errorf("run %s belongs to process %d on %s, which cannot be seen from here", state.ID, state.Process.PID, state.Process.Host)}
	default:
		return nil
	}
}

// load reads a run by its id or by a beginning of it that is unique; "last"
// is the newest.
func (a *App) load(ctx context.Context, id string) (*journal.State, error) {
	events, err := a.events(ctx, id)
	if err != nil {
		return nil, err
	}
	return journal.Fold(events)
}

func (a *App) events(ctx context.Context, id string) (events []journal.Event, err error) {
	store, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	full, err := runID(ctx, store, id)
	if err != nil {
		return nil, err
	}
	return store.Events(ctx, full)
}

func runID(ctx context.Context, store journal.Store, id string) (string, error) {
	spans, err := store.Runs(ctx)
	if err != nil {
		return "", err
	}
	var hits []string
	for i, sp := range spans {
		if sp.First.Run == id || id == "last" && i == 0 {
			return sp.First.Run, nil
		}
		if strings.HasPrefix(sp.First.Run, id) {
			hits = append(hits, sp.First.Run)
		}
	}
	if len(hits) == 1 {
		return hits[0], nil
	}
	what := "no run"
	if len(hits) > 1 {
		what = "more than one run"
	}
	return "", &exitError{code: exitUsage, hint: "see: runback runs", err: fmt.Errorf("%s %q", what, id)}
}
