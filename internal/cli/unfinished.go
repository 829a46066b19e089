package cli

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// recentRuns is how many runs are looked through for one that is not over.
const recentRuns = 50

// unfinished tells of earlier runs on the same target that can go on: to start
// another one beside them may be what the operator wants, but not unknowingly.
// What cannot be read is not told here; runs and verify do.
func (a *App) unfinished(ctx context.Context, id journal.Identity) {
	if a.machine() || a.flags.quiet || len(id) == 0 {
		return
	}
	store, err := a.openStore(ctx)
	if err != nil {
		return
	}
	defer func() { _ = store.Close() }() // nothing was written
	spans, err := store.Runs(ctx)
	if err != nil {
		return
	}
	for _, span := range spans[:min(len(spans), recentRuns)] {
		events, err := store.Events(ctx, span.First.Run)
		if err != nil {
			continue
		}
		s, err := journal.Fold(events)
		if err != nil || !executor.SharesTarget(s.Started.Identity, id) {
			continue
		}
		if live := liveStatus(s); live.Resumable() && live != journal.Running {
			fmt.Fprintf(a.Err, "%s run %s of %s on this target is %s; see: runback status %s\n", a.style(a.ErrTTY).warn("note:"), s.ID, s.Started.Playbook, live, s.ID)
		}
	}
}
