package cli

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/schema"
)

type globalFlags struct {
	kubeconfig, context, namespace string
	project                        string
	noColor, quiet                 bool
	output, progress               string
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "runback",
		Short: "Roll back, safely: versioned playbooks that preview, run and resume",
		Long: `Runback runs rollback playbooks: typed steps with guards and time budgets,
previewed before they run and resumed after a crash without doing anything twice.

  ` + a.self() + ` list                          what can be run
  ` + a.self() + ` plan canary                   what it would do, changing nothing
  ` + a.self() + ` run canary --reason "..."     do it
  ` + a.self() + ` resume RUN                    go on after a crash or a stop`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	if a.Plugin {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: a.self()}
	}
	f := root.PersistentFlags()
	f.StringVar(&a.flags.kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG)")
	f.StringVar(&a.flags.context, "context", "", "kubeconfig context; needed when the file holds more than one")
	f.StringVarP(&a.flags.namespace, "namespace", "n", "", "namespace to act in (default: what the playbook says)")
	f.StringVar(&a.flags.project, "project", "", "project that is rolled back: a file, or a name from ./projects")
	f.BoolVar(&a.flags.noColor, "no-color", false, "no colours, also with NO_COLOR=1")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "only results and errors")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{code: exitUsage, hint: "see: " + cmd.CommandPath() + " --help", err: err}
	})
	root.AddCommand(a.listCmd(), a.showCmd(), a.planCmd(), a.approveCmd(), a.runCmd(), a.resumeCmd(), a.abortCmd(), a.undoCmd(), a.closeCmd(), a.runsCmd(), a.statusCmd(),
		a.verifyCmd(), a.validateCmd(), a.actionsCmd(), a.schemaCmd(), a.versionCmd(), a.manCmd())
	root.InitDefaultCompletionCmd()
	wrapArgs(root)
	return root
}

// meant guesses the command that was mistyped.
func meant(cmd *cobra.Command, args []string) string {
	if len(args) == 0 || !cmd.HasAvailableSubCommands() {
		return ""
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return schema.DidYouMean(args[0], names)
}

// wrapArgs gives mistakes in the arguments the exit code of a usage error.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &exitError{code: exitUsage, hint: cmp.Or(meant(c, args), "see: "+c.CommandPath()+" --help"), err: err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}
