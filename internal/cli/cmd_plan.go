package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

func (a *App) planCmd() *cobra.Command {
	var sets []string
	var ask, detailed bool
	cmd := &cobra.Command{
		Use:   "plan NAME|FILE",
		Short: "Show what a run would do, step by step and field by field; changes nothing",
		Long: `Show what a run would do to the world as it is now. Observations are made for
real, changes are asked of the API server as a dry run, guards are evaluated.
Nothing is changed. Exit code 3 says that a run would be refused. With
--detailed-exitcode 0 says that nothing would be changed and 2 that something
would or may be.

With -o FILE the plan is saved. runback run --plan FILE then runs what was
reviewed and nothing else: it refuses when the playbook, the target or any field
is no longer as it was.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.playbookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.compile(args[0])
			if err != nil {
				return err
			}
			if !a.printed() {
				if err := mayWrite(a.flags.output); err != nil {
					return err
				}
			}
			given, err := parseSets(sets)
			if err != nil {
				return err
			}
			plan, err := a.makePlan(cmd.Context(), p, given, nil)
			if err != nil {
				return err
			}
			plan.Approve = plan.Approve || ask
			if err := a.offerPlan(plan, args[0], sets); err != nil || !detailed || plan.Changes() == 0 {
				return err
			}
			return &exitError{code: exitPending, shown: true, err: errors.New("changes are pending")}
		},
	}
	cmd.Flags().StringArrayVar(&sets, "set", nil, "value of an input, name=value; may be given again")
	cmd.Flags().BoolVar(&ask, "ask-approval", false, "whether the saved plan may be run only when it was approved")
	cmd.Flags().StringVarP(&a.flags.output, "output", "o", "table", "table, json, yaml, or a file to save the plan in: plan.json")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when something would be changed")
	complete(cmd, "set", a.inputsOfPlaybook)
	return cmd
}

// offerPlan shows a plan, and saves it when a file was named.
func (a *App) offerPlan(plan *executor.Plan, arg string, sets []string) error {
	file := a.flags.output
	if a.printed() {
		return a.showPlan(plan, a.runCommand(arg, sets))
	}
	f, err := newPlanFile(plan, arg)
	if err != nil {
		return err
	}
	if plan.Refused == "" { // one that would be refused is not worth a review
		if err := f.write(file); err != nil {
			return err
		}
	}
	if err := a.showPlan(plan, "runback run --plan "+file); err != nil {
		return err
	}
	fmt.Fprintf(a.Out, "\n  saved as %s, %s\n", file, shortDigest(f.Hash))
	if plan.Approve {
		fmt.Fprintf(a.Out, "  it must be approved before it runs: runback approve %s\n", file)
	}
	return nil
}

// printed says whether -o names a format, not a file.
func (a *App) printed() bool { return a.flags.output == formatTable || a.data() }

func (a *App) makePlan(ctx context.Context, p *executor.Program, given map[string]string, left []journal.LeftOut) (*executor.Plan, error) {
	of, err := a.project()
	if err != nil {
		return nil, err
	}
	inputs, err := p.Bind(given, of.doc)
	if err != nil {
		return nil, err
	}
	watch := a.watchPlan(p)
	defer watch.close()
	r, err := a.runner(nil, watch, nil)
	if err != nil {
		return nil, err
	}
	target, identity, err := a.target(ctx, r, p, inputs, of)
	if err != nil {
		return nil, err
	}
	a.unfinished(ctx, identity)
	return r.Plan(ctx, p, executor.Request{Inputs: inputs, Project: of.src, Target: target, Identity: identity, Left: left})
}

func (a *App) showPlan(plan *executor.Plan, runWith string) error {
	if a.data() {
		if err := a.print(plan); err != nil {
			return err
		}
	} else {
		a.planScreen(plan, runWith)
	}
	if plan.Refused != "" {
		return &exitError{code: exitRefused, shown: true, err: fmt.Errorf("a run would be refused at step %s", plan.Refused)}
	}
	return nil
}

// silent watches nothing.
type silent struct{}

func (silent) Event(journal.Event) {}
func (silent) Say(string, string)  {}
