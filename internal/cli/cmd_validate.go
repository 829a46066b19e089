package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/schema"
)

type validated struct {
	File     string             `json:"file"`
	Valid    bool               `json:"valid"`
	Mistakes schema.Diagnostics `json:"mistakes,omitempty"`
}

func (a *App) validateCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check playbooks: every mistake with its line and what to do about it",
		Long: `Check playbooks without touching any cluster: YAML, fields, actions, inputs of
actions, and the types of every expression. A file is named by path or by name.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.playbookNames,
		RunE: func(_ *cobra.Command, args []string) error {
			_, registry, err := a.world()
			if err != nil {
				return err
			}
			var out []validated
			mistakes := 0
			for _, arg := range args {
				f, err := a.find(arg)
				if err != nil {
					return err
				}
				_, bad := executor.Compile(f.src, registry)
				out = append(out, validated{f.src.File, len(bad) == 0, bad})
				mistakes += len(bad)
				if !a.data() {
					a.showValidated(f.src, bad)
				}
			}
			if a.data() {
				if err := a.print(out); err != nil {
					return err
				}
			}
			if mistakes > 0 {
				return &exitError{code: exitInvalid, shown: a.data(), err: fmt.Errorf("%s", count(mistakes, "mistake", "mistakes"))}
			}
			return nil
		},
	}
	a.outputFlag(cmd)
	return cmd
}

func (a *App) showValidated(src schema.Source, bad schema.Diagnostics) {
	if len(bad) == 0 {
		if !a.flags.quiet {
			fmt.Fprintf(a.Out, "%s %s\n", a.style(a.OutTTY).good("✔"), src.File)
		}
		return
	}
	fmt.Fprintln(a.Out, bad.Render(src.Text))
}
