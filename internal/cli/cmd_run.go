package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

type runFlags struct {
	sets   []string
	plan   string
	reason string
	yes    bool
	dry    string
	left   leftFlags
}

func (a *App) runCmd() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run NAME|FILE",
		Short: "Run a playbook",
		Long: `Run a playbook. It shows the plan, asks for a reason and for confirmation, and
records every event before the effect it announces. Ctrl-C once stops after the
current step, twice stops now; both can be resumed.

With --skip STEP and --from STEP a person leaves steps out; that is recorded with
who and why, and refused where a later step needs what a left-out one gives.

With --plan FILE it runs a saved plan: it prepares again, and refuses when
anything is no longer as it was reviewed.

Exit codes: 0 done, 1 failed, 3 refused (nothing changed), 4 outcome unknown,
5 cancelled, 6 held by another run, 7 time spent, 8 journal not durable,
64 usage, 65 invalid playbook.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.playbookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (f.plan == "") {
				return usage("runback run NAME, or runback run --plan FILE", "name a playbook or a saved plan, and one of them only")
			}
			if err := f.dryMode(); err != nil {
				return err
			}
			if f.dry != dryNone && f.plan == "" {
				p, err := a.compile(args[0])
				if err != nil {
					return err
				}
				return a.dryRun(cmd.Context(), p, args[0], f)
			}
			if err := a.mayRun(f); err != nil {
				return err
			}
			if f.plan != "" {
				return a.runPlan(cmd.Context(), f)
			}
			p, err := a.compile(args[0])
			if err != nil {
				return err
			}
			return a.runPlaybook(cmd.Context(), p, args[0], f)
		},
	}
	cmd.Flags().StringArrayVar(&f.sets, "set", nil, "value of an input, name=value; may be given again")
	cmd.Flags().StringVar(&f.plan, "plan", "", "a saved plan: run what was reviewed and nothing else")
	f.confirmFlags(cmd)
	f.dryFlag(cmd)
	f.left.add(a, cmd)
	complete(cmd, "set", a.inputsOfPlaybook)
	a.eventsFlag(cmd)
	return cmd
}

func (f *runFlags) confirmFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "why; recorded in the journal")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not show the plan and do not ask (for scripts)")
}

// mayRun says whether there is somebody to confirm, or a reason instead.
func (a *App) mayRun(f runFlags) error {
	if !f.yes && !a.InTTY {
		return usage("add --yes and --reason \"...\", or run it in a terminal", "nobody can be asked to confirm")
	}
	if f.yes && strings.TrimSpace(f.reason) == "" {
		return usage(`add --reason "5xx after deploy 1.5.0"`, "a reason is required")
	}
	return nil
}

func (a *App) runPlaybook(ctx context.Context, p *executor.Program, arg string, f runFlags) error {
	if p.Playbook.Spec.Target.Protected {
		return &exitError{code: exitRefused, hint: fmt.Sprintf("runback plan %s -o plan.json; a colleague: runback approve plan.json; runback run --plan plan.json", arg),
			err: errors.New("the target is protected: only a saved plan that somebody else approved may be run on it")}
	}
	given, err := parseSets(f.sets)
	if err != nil {
		return err
	}
	of, err := a.project()
	if err != nil {
		return err
	}
	inputs, err := p.Bind(given, of.doc)
	if err != nil {
		return err
	}
	left, err := f.left.decide(p, f.reason)
	if err != nil {
		return err
	}
	req := executor.Request{ID: newRunID(), Inputs: inputs, Project: of.src, Reason: f.reason, Left: left}
	if !f.yes {
		plan, err := a.makePlan(ctx, p, given, left)
		if err != nil {
			return err
		}
		if err := a.showPlan(plan, a.runCommand(arg, f.sets)+f.left.words()); err != nil {
			return err
		}
		if req.Reason, err = a.confirm(p, f.reason); err != nil {
			return err
		}
		req.Target, req.Identity = plan.Target, plan.Identity
	}
	return a.execute(ctx, p, nil, func(ctx context.Context, r *executor.Runner) (*journal.State, error) {
		if req.Identity == nil {
			if req.Target, req.Identity, err = a.target(ctx, r, p, inputs, of); err != nil {
				return nil, err
			}
			a.unfinished(ctx, req.Identity)
		}
		return r.Run(ctx, p, req)
	})
}

// confirm asks for the reason, when none was given, and for the name of the
// playbook: a word that nobody types by habit.
func (a *App) confirm(p *executor.Program, reason string) (string, error) {
	in, st := bufio.NewReader(a.In), a.style(a.ErrTTY)
	ask := func(q string) (string, error) {
		fmt.Fprint(a.Err, st.bold(q))
		line, err := in.ReadString('\n')
		if err != nil && line == "" {
			return "", &exitError{code: exitRefused, err: errors.New("not confirmed; nothing was changed")}
		}
		return strings.TrimSpace(line), nil
	}
	var err error
	for strings.TrimSpace(reason) == "" {
		if reason, err = ask("\nReason (recorded): "); err != nil {
			return "", err
		}
	}
	name := p.Playbook.Metadata.Name
	answer, err := ask(fmt.Sprintf("Type %q to run it: ", name))
	if err != nil {
		return "", err
	}
	if answer != name {
		return "", &exitError{code: exitRefused, err: errors.New("not confirmed; nothing was changed")}
	}
	return reason, nil
}
