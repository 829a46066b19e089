package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// runPlan runs a saved plan: the text that was reviewed, with the inputs that
// were reviewed, on the target that was reviewed, as long as all is still so.
func (a *App) runPlan(ctx context.Context, f runFlags) error {
	if len(f.sets) > 0 || f.left.any() || a.flags.project != "" || a.flags.context != "" || a.flags.namespace != "" {
		return usage("make another plan for other inputs or another target", "a saved plan has its inputs, its target and its steps")
	}
	saved, err := readPlan(f.plan)
	if err != nil {
		return err
	}
	if err := saved.approved(time.Now()); err != nil {
		return err
	}
	p, err := a.compileSource(saved.plan.Source)
	if err != nil {
		return err
	}
	inputs, err := p.Restore(saved.plan.Inputs)
	if err != nil {
		return err
	}
	now, err := a.planAgain(ctx, p, saved, inputs)
	if err != nil {
		return err
	}
	if found := executor.Drift(saved.plan, now); len(found) > 0 {
		return a.drifted(found)
	}
	reason := f.reason
	if !f.yes {
		if err := a.showPlan(now, "runback run --plan "+f.plan); err != nil {
			return err
		}
		if reason, err = a.confirm(p, f.reason); err != nil {
			return err
		}
	}
	req := executor.Request{ID: newRunID(), Inputs: inputs, Project: saved.plan.Project, Target: now.Target, Identity: now.Identity, Reason: reason, Reviewed: &journal.Reviewed{
		Hash: saved.Hash, By: saved.plan.By, At: saved.plan.Created, Approvals: saved.Approvals, Steps: saved.plan.Reviewed(),
	}}
	return a.execute(ctx, p, nil, func(ctx context.Context, r *executor.Runner) (*journal.State, error) { return r.Run(ctx, p, req) })
}

// planAgain makes the same plan of the world as it is now.
func (a *App) planAgain(ctx context.Context, p *executor.Program, saved *planFile, inputs map[string]any) (*executor.Plan, error) {
	watch := a.watchPlan(p)
	defer watch.close()
	r, err := a.runner(nil, watch, nil)
	if err != nil {
		return nil, err
	}
	identity, err := r.Pin(ctx, saved.plan.Target)
	if err != nil {
		return nil, err
	}
	now, err := r.Plan(ctx, p, executor.Request{Inputs: inputs, Project: saved.plan.Project, Target: saved.plan.Target, Identity: identity})
	if err != nil {
		return nil, err
	}
	// The playbook may have been changed where it came from. One that is not
	// there any more says nothing about what was reviewed.
	if f, err := a.find(saved.Argument); err == nil {
		now.Digest = f.src.Digest()
	}
	return now, nil
}

// drifted tells what is no longer as it was reviewed.
func (a *App) drifted(found []executor.Difference) error {
	err := &exitError{code: exitRefused, hint: "look at what changed, then make a new plan; nothing was changed", err: &executor.DriftError{Differences: found}}
	if a.data() {
		err.shown = true
		if perr := a.print(map[string]any{"error": err.Error(), "differences": found, "exit": err.code}); perr != nil {
			return perr
		}
		return err
	}
	st := a.style(a.OutTTY)
	fmt.Fprintf(a.Out, "%s what was reviewed is no longer so\n", st.bad("✖"))
	where := ""
	for _, d := range found {
		if d.Where != where {
			where = d.Where
			fmt.Fprintf(a.Out, "  %s\n", st.bold(where))
		}
		a.wrapped("    ", fmt.Sprintf("%s: reviewed %s, now %s", d.Field, cmp.Or(d.Reviewed, "none"), cmp.Or(d.Now, "none")))
	}
	return err
}
