package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/internal/journal"
)

// longestApproval bounds how long an approval may hold: the world that was
// reviewed is gone by then.
const longestApproval = 24 * time.Hour

func (a *App) approveCmd() *cobra.Command {
	var comment string
	var deny bool
	var hold time.Duration
	cmd := &cobra.Command{
		Use:   "approve FILE | approve RUN STEP",
		Short: "Approve a saved plan, or answer a step that waits for a person",
		Long: `Approve a saved plan. The approval is written into its file, with who and when.
It is bound to this very plan by its hash and expires. For a protected target the
approver must be somebody else than who made the plan.

The approval says who the operating system says you are. It is a record among
colleagues, not a signature: whoever can write the file can write an approval.

With a run and a step it answers a step that waits for a person: manual.approve,
which --deny refuses, and manual.task, of which it says that it was done, or with
--deny that it could not be. The answer holds for that question and no other one.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return a.answer(cmd.Context(), args[0], args[1], comment, deny)
			}
			if deny {
				return usage("leave the file unapproved", "a saved plan cannot be denied")
			}
			if hold <= 0 || hold > longestApproval {
				return usage("use --for 1h, or at most --for 24h", fmt.Sprintf("an approval cannot hold for %s", hold))
			}
			return a.approve(args[0], comment, hold)
		},
	}
	cmd.Flags().StringVar(&comment, "comment", "", "what to record with it")
	cmd.Flags().BoolVar(&deny, "deny", false, "of a step: say no; needs --comment")
	cmd.Flags().DurationVar(&hold, "for", time.Hour, "how long it holds, at most 24h")
	return cmd
}

func (a *App) approve(file, comment string, hold time.Duration) error {
	f, err := readPlan(file)
	if err != nil {
		return err
	}
	by := userName()
	if f.plan.Guarded && by == f.plan.By {
		return &exitError{code: exitRefused, hint: "ask a colleague to run: runback approve " + file,
			err: fmt.Errorf("the target is protected: %s made this plan and may not approve it", by)}
	}
	now := time.Now().UTC().Truncate(time.Millisecond) // not rounded: it would hold longer than is said
	f.Approvals = append(f.Approvals, journal.Approval{Plan: f.Hash, By: by, At: now, Expires: now.Add(hold), Comment: comment})
	if err := f.write(file); err != nil {
		return err
	}
	fmt.Fprintf(a.Out, "approved by %s until %s: plan %s of playbook %s\n", by, now.Add(hold).Local().Format("2006-01-02 15:04:05"), shortDigest(f.Hash), f.plan.Playbook)
	fmt.Fprintf(a.Out, "run it with: runback run --plan %s --reason \"...\"\n", file)
	return nil
}
