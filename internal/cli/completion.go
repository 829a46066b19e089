package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// completer offers words for one argument or flag.
type completer = cobra.CompletionFunc

// complete registers the words of a flag. That a flag is missing is a mistake
// of this program, which the test of every command finds.
func complete(cmd *cobra.Command, flag string, words completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err)
	}
}

// playbookNames offers what can be run; files come by themselves.
func (a *App) playbookNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, row := range a.listing() {
		out = append(out, cobra.CompletionWithDesc(row.Name, row.Title))
	}
	return out, cobra.ShellCompDirectiveDefault
}

// runIDs offers the runs, newest first. Nothing is created by asking.
func (a *App) runIDs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	out := []cobra.Completion{cobra.CompletionWithDesc("last", "the newest run")}
	if file, err := a.storePath(); err != nil || !exists(file) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	rows, err := a.listRuns(background(cmd))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, r := range rows {
		out = append(out, cobra.CompletionWithDesc(r.ID, r.Playbook+" "+string(r.Status)+": "+r.Reason))
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// stepsOfPlaybook offers the steps of the playbook that was named.
func (a *App) stepsOfPlaybook(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	p := a.quietly(args)
	if p == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	p.Walk(func(n *executor.Node, _ string, _ int) {
		out = append(out, cobra.CompletionWithDesc(n.Step.ID, n.Step.Name))
	})
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// inputsOfPlaybook offers name= for each of its inputs.
func (a *App) inputsOfPlaybook(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	p := a.quietly(args)
	if p == nil || strings.Contains(typed, "=") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var out []cobra.Completion
	for _, in := range p.Playbook.Spec.Inputs {
		out = append(out, cobra.CompletionWithDesc(in.Name+"=", in.Description))
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// stepsOfRun offers the steps of a run that was named, or those in doubt.
func (a *App) stepsOfRun(only func(*journal.StepState) bool) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if file, err := a.storePath(); len(args) == 0 || err != nil || !exists(file) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		state, err := a.load(background(cmd), args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for _, p := range state.Order {
			if only(state.Steps[p]) {
				out = append(out, cobra.CompletionWithDesc(p, string(stepStatus(state.Steps[p]))))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *App) actionNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	_, registry, err := a.world()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, n := range registry.Names() {
		out = append(out, cobra.CompletionWithDesc(n, registry[n].Spec.Summary))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// quietly compiles a playbook that somebody is typing the name of.
func (a *App) quietly(args []string) *executor.Program {
	if len(args) == 0 {
		return nil
	}
	f, err := a.find(args[0])
	if err != nil {
		return nil
	}
	_, registry, err := a.world()
	if err != nil {
		return nil
	}
	p, _ := executor.Compile(f.src, registry)
	return p
}

func inDoubt(s *journal.StepState) bool { return s.Status == journal.InDoubt }

func tookEffect(s *journal.StepState) bool { return s.Intent != nil }

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// background is the context of a command; cobra completes without one.
func background(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
