package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/internal/journal"
)

func (a *App) verifyCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [RUN]",
		Short: "Prove that the journal of a run, or of every run, is as it was written",
		Long: `Prove that no event of a journal was changed, removed, added or moved: each holds
the hash of the one before it. Note the last hash elsewhere to prove also that no
event is missing at the end. Exit code 8 says that a journal is damaged.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.runIDs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), args) },
	}
}

func (a *App) verify(ctx context.Context, args []string) (err error) {
	store, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var ids []string
	if len(args) == 1 {
		id, err := runID(ctx, store, args[0])
		if err != nil {
			return err
		}
		ids = []string{id}
	} else {
		spans, err := store.Runs(ctx)
		if err != nil {
			return err
		}
		for _, span := range spans {
			ids = append(ids, span.First.Run)
		}
	}
	var damaged []error
	for _, id := range ids {
		events, err := store.Events(ctx, id)
		if err == nil {
			_, err = journal.Fold(events)
		}
		if err != nil {
			damaged = append(damaged, err)
			continue
		}
		fmt.Fprintf(a.Out, "%s  %s unbroken, last hash %s\n", id, count(len(events), "event", "events"), events[len(events)-1].Hash)
	}
	return errors.Join(damaged...)
}
