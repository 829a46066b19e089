package cli

import (
	"github.com/spf13/cobra"
)

type globalFlags struct {
	kubeconfig, context, namespace string
	noColor, quiet                 bool
	output, progress               string
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "runback",
		Short: "Roll back, safely: versioned playbooks that preview, run and resume",
		Long: `Runback runs rollback playbooks: typed steps with guards and time budgets,
previewed before they run and resumed after a crash without doing anything twice.

  runback list                          what can be run
  runback plan canary                   what it would do, changing nothing
  runback run canary --reason "..."     do it
  runback resume RUN                    go on after a crash or a stop`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.flags.kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG)")
	f.StringVar(&a.flags.context, "context", "", "kubeconfig context; needed when the file holds more than one")
	f.StringVarP(&a.flags.namespace, "namespace", "n", "", "namespace to act in (default: what the playbook says)")
	f.BoolVar(&a.flags.noColor, "no-color", false, "no colours, also with NO_COLOR=1")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "only results and errors")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{code: exitUsage, hint: "see: " + cmd.CommandPath() + " --help", err: err}
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.listCmd(), a.showCmd(), a.planCmd(), a.approveCmd(), a.runCmd(), a.resumeCmd(), a.undoCmd(), a.closeCmd(), a.runsCmd(), a.statusCmd(),
		a.verifyCmd(), a.validateCmd(), a.actionsCmd(), a.schemaCmd(), a.versionCmd())
	wrapArgs(root)
	return root
}

// wrapArgs gives mistakes in the arguments the exit code of a usage error.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &exitError{code: exitUsage, hint: "see: " + c.CommandPath() + " --help", err: err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

// outputFlag adds -o to a command.
func (a *App) outputFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.flags.output, "output", "o", "table", "output format: table or json (of run and resume: one event a line)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if a.flags.output != "table" && a.flags.output != "json" {
			return usage("use -o table or -o json", "unknown output format "+a.flags.output)
		}
		return nil
	}
}

func (a *App) json() bool { return a.flags.output == "json" }
