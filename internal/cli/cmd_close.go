package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/internal/journal"
)

func (a *App) closeCmd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "close RUN OBLIGATION",
		Short: "Record that an obligation of a run was put right by hand",
		Long: `Record that what a run left to be put right was put right by hand: a controller
that it had suspended runs again, a rollout goes on. What can be put right by a
step is better undone: runback undo RUN --step STEP closes it as well.`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.runIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return usage(`add --reason "sync is on again, commit 1a2b3c"`, "a reason is required")
			}
			return a.close(cmd.Context(), args[0], args[1], reason)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "how it was put right; recorded in the journal")
	return cmd
}

func (a *App) close(ctx context.Context, id, key, reason string) (err error) {
	state, err := a.load(ctx, id)
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r, err := a.runner(store, silent{}, nil)
	if err != nil {
		return err
	}
	if err := r.Close(ctx, state, journal.Closed{Key: key, Reason: reason, User: r.Who.User}); err != nil {
		return err
	}
	fmt.Fprintf(a.Out, "closed: %s\nrun %s is %s\n", key, state.ID, state.Status)
	return nil
}

// owed lists what a run left to be put right, and how.
func (a *App) owed(st style, s *journal.State) {
	if len(s.Open) == 0 {
		return
	}
	fmt.Fprintf(a.Out, "  %s\n", st.warn("left to be put right:"))
	for _, o := range s.Open {
		a.wrapped("    ", "- "+o.What)
		if o.Until != "" {
			a.wrapped("      ", "when: "+o.Until)
		}
		if o.Instead != "" {
			a.wrapped("      ", "by: "+o.Instead)
		} else {
			fmt.Fprintf(a.Out, "      %s\n", st.info(a.command(fmt.Sprintf("undo %s --step %s", s.ID, o.Step))))
		}
		fmt.Fprintf(a.Out, "      by hand, then: %s\n", st.info(a.command(fmt.Sprintf("close %s %q --reason ...", s.ID, o.Key))))
	}
}
