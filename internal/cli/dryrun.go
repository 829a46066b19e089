package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// The ways of --dry-run, by the words that kubectl uses.
const (
	dryNone   = "none"
	dryClient = "client"
	dryServer = "server"
)

func (f *runFlags) dryFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dry, "dry-run", dryNone, "client: only compile it and check the inputs, nothing is asked of anybody; server: the same as plan")
	complete(cmd, "dry-run", cobra.FixedCompletions([]string{dryNone, dryClient, dryServer}, cobra.ShellCompDirectiveNoFileComp))
}

// dryRun does what a dry run does. Neither way records or changes anything.
func (a *App) dryRun(ctx context.Context, p *executor.Program, arg string, f runFlags) error {
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
	var left []journal.LeftOut
	if f.left.any() {
		if left, err = f.left.decide(p, f.reasonOr("dry run")); err != nil {
			return err
		}
	}
	if f.dry == dryServer {
		plan, err := a.makePlan(ctx, p, given, left)
		if err != nil {
			return err
		}
		return a.showPlan(plan, a.runCommand(arg, f.sets)+f.left.words())
	}
	if a.data() {
		return a.print(map[string]any{"valid": true, "playbook": p.Playbook.Metadata.Name, "digest": p.Source.Digest(), "inputs": inputs, "left_out": left})
	}
	st := a.style(a.OutTTY)
	fmt.Fprintf(a.Out, "%s %s %s is valid, and so are its inputs; no target was asked\n", st.good("✔"), p.Playbook.Metadata.Name, p.Playbook.Metadata.Version)
	for _, l := range left {
		fmt.Fprintf(a.Out, "  %s would be left out\n", l.Path)
	}
	fmt.Fprintf(a.Out, "  what it would do: %s\n", st.info(a.command("plan "+arg)))
	return nil
}

func (f runFlags) reasonOr(other string) string {
	if f.reason != "" {
		return f.reason
	}
	return other
}

// dryMode checks --dry-run.
func (f runFlags) dryMode() error {
	if f.dry != dryNone && f.plan != "" {
		return usage("plan it again: runback plan NAME -o plan.json", "a saved plan was made by a dry run already")
	}
	switch f.dry {
	case dryNone, dryClient, dryServer:
		return nil
	default:
		return usage("use --dry-run=client or --dry-run=server", fmt.Sprintf("unknown dry run %q", f.dry))
	}
}
