package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/process"
)

// listedRun is one row of runs. Its JSON form is part of the interface.
type listedRun struct {
	ID       string         `json:"id"`
	Playbook string         `json:"playbook"`
	Version  string         `json:"version"`
	Status   journal.Status `json:"status"`
	Started  time.Time      `json:"started"`
	Ended    *time.Time     `json:"ended,omitempty"`
	User     string         `json:"user"`
	Reason   string         `json:"reason"`
	Damaged  string         `json:"damaged,omitempty"`
}

func (a *App) runsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the runs, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := a.listRuns(cmd.Context())
			if err != nil {
				return err
			}
			if a.data() {
				return a.print(rows)
			}
			return a.table([]string{"RUN", "PLAYBOOK", "STATUS", "STARTED", "TOOK", "BY", "REASON"}, len(rows), func(i int) []string {
				r, took := rows[i], "-"
				if r.Ended != nil {
					took = seconds(r.Ended.Sub(r.Started))
				}
				return []string{r.ID, r.Playbook, string(r.Status), r.Started.Local().Format("2006-01-02 15:04:05"), took, r.User, r.Reason}
			})
		},
	}
	a.outputFlag(cmd)
	return cmd
}

func (a *App) listRuns(ctx context.Context) (rows []listedRun, err error) {
	store, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	spans, err := store.Runs(ctx)
	if err != nil {
		return nil, err
	}
	rows = []listedRun{}
	for _, sp := range spans {
		row, err := listRun(ctx, store, sp)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func listRun(ctx context.Context, store journal.Store, sp journal.Span) (listedRun, error) {
	st, err := journal.Decode[journal.Started](sp.First)
	row := listedRun{ID: sp.First.Run, Playbook: st.Playbook, Version: st.Version, Started: sp.First.Time, User: st.User, Reason: st.Reason}
	if err != nil {
		row.Damaged = err.Error()
		return row, nil //nolint:nilerr // told in its row; the other runs are still listed
	}
	if sp.Last.Type == journal.RunEnded {
		end, err := journal.Decode[journal.Ended](sp.Last)
		row.Status, row.Ended = end.Status, &sp.Last.Time
		if err != nil {
			row.Damaged = err.Error()
		}
		return row, nil
	}
	events, err := store.Events(ctx, sp.First.Run)
	if err != nil {
		return row, err
	}
	state, err := journal.Fold(events)
	if err != nil {
		row.Damaged = err.Error()
		return row, nil //nolint:nilerr // told in its row; the other runs are still listed
	}
	row.Status, row.Ended = liveStatus(state), timeOrNil(state.Ended)
	return row, nil
}

// liveStatus tells a run that goes on from one whose executor is gone.
func liveStatus(s *journal.State) journal.Status {
	if s.Status != journal.Running {
		return s.Status
	}
	if alive, known := process.Alive(s.Process); known && !alive {
		return journal.Interrupted
	}
	return journal.Running
}
