package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

type undoFlags struct {
	runFlags
	steps []string
	print bool
	file  string
}

func (a *App) undoCmd() *cobra.Command {
	var f undoFlags
	cmd := &cobra.Command{
		Use:   "undo RUN",
		Short: "Take a run back: put back what was there before it, where it is still ours",
		Long: `Take a run back. From its journal it makes a playbook of inverse steps, the last
effect first, for the steps that took effect and whose fields hold what the run
wrote. What somebody else changed since, and what cannot be undone, is left as it
is and listed with the reason. The playbook is planned, confirmed and run like
any other; with --print or --save it is only written, for review.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.runIDs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.undo(cmd.Context(), args[0], f) },
	}
	cmd.Flags().StringArrayVar(&f.steps, "step", nil, "undo only this step; may be given again")
	cmd.Flags().BoolVar(&f.print, "print", false, "print the playbook instead of running it")
	cmd.Flags().StringVar(&f.file, "save", "", "save the playbook in a file instead of running it")
	f.confirmFlags(cmd)
	a.eventsFlag(cmd)
	complete(cmd, "step", a.stepsOfRun(tookEffect))
	return cmd
}

func (a *App) undo(ctx context.Context, id string, f undoFlags) error {
	if err := a.ownTarget(); err != nil {
		return err
	}
	writes := f.print || f.file != ""
	if !writes {
		if err := a.mayRun(f.runFlags); err != nil {
			return err
		}
	}
	state, err := a.load(ctx, id)
	if err != nil {
		return err
	}
	if live := liveStatus(state); live == journal.Running {
		return &exitError{code: exitLocked, hint: "wait for its end: runback status " + state.ID, err: fmt.Errorf("run %s goes on", state.ID)}
	}
	for _, step := range f.steps {
		if _, err := stepPath(state, step); err != nil {
			return err
		}
	}
	inverse, err := a.inverse(ctx, state, f.steps)
	if err != nil {
		return err
	}
	a.leftAsIs(inverse)
	if len(inverse.Draft.Steps) == 0 {
		return &exitError{code: exitRefused, hint: "see: runback status " + state.ID, err: fmt.Errorf("nothing of run %s can be undone", state.ID)}
	}
	source, err := inverse.Draft.Source(inverse.Draft.Name + ".yaml")
	switch {
	case err != nil:
		return err
	case f.print:
		_, err = a.Out.Write(source.Text)
		return err
	case f.file != "":
		return a.saveUndo(f.file, source.Text)
	}
	p, err := a.compileSource(source)
	if err != nil {
		return err
	}
	return a.runUndo(ctx, p, state, f.runFlags)
}

func (a *App) saveUndo(file string, text []byte) error {
	if err := writeNew(file, text); err != nil {
		return &exitError{code: exitUsage, hint: "name another file", err: err}
	}
	fmt.Fprintf(a.Out, "saved as %s; look at it, then: runback run %s\n", file, file)
	return nil
}

// inverse asks the target of the run, which must be the same as then.
func (a *App) inverse(ctx context.Context, state *journal.State, only []string) (*executor.Inverse, error) {
	p, err := a.compileSource(state.Started.Source)
	if err != nil {
		return nil, err
	}
	r, err := a.runner(nil, silent{}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := r.SameTarget(ctx, state); err != nil {
		return nil, err
	}
	return r.Inverse(ctx, p, state, only)
}

func (a *App) leftAsIs(u *executor.Inverse) {
	if a.machine() || len(u.Left) == 0 {
		return
	}
	st := a.style(a.ErrTTY)
	fmt.Fprintf(a.Err, "%s left as it is:\n", st.warn("!"))
	for _, l := range u.Left {
		fmt.Fprintf(a.Err, "    %s: %s\n", l.Path, l.Reason)
	}
}

func (a *App) runUndo(ctx context.Context, p *executor.Program, of *journal.State, f runFlags) error {
	watch := a.watchPlan(p)
	defer watch.close()
	r, err := a.runner(nil, watch, nil)
	if err != nil {
		return err
	}
	target, identity, err := a.target(ctx, r, p, map[string]any{}, project{})
	if err != nil {
		return err
	}
	req := executor.Request{ID: newRunID(), Inputs: map[string]any{}, Target: target, Identity: identity, Reason: f.reason, Undoes: of.ID}
	if p.Playbook.Spec.Target.Protected {
		return &exitError{code: exitRefused, hint: fmt.Sprintf("runback undo %s --save undo.yaml; runback plan undo.yaml -o plan.json; have it approved", of.ID),
			err: errors.New("the target is protected: only a saved plan that somebody else approved may be run on it")}
	}
	if !f.yes {
		plan, err := r.Plan(ctx, p, req)
		if err != nil {
			return err
		}
		if err := a.showPlan(plan, "runback undo "+of.ID); err != nil {
			return err
		}
		if req.Reason, err = a.confirm(p, f.reason); err != nil {
			return err
		}
	}
	if strings.TrimSpace(req.Reason) == "" {
		return usage(`add --reason "..."`, "a reason is required")
	}
	return a.execute(ctx, p, nil, func(ctx context.Context, r *executor.Runner) (*journal.State, error) { return r.Run(ctx, p, req) })
}
