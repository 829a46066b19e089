package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

type swapIn struct {
	which
	With           string `json:"with" doc:"database that takes the name: one that a restore kept, or that it left whole when it could not swap"`
	AcceptDataLoss string `json:"accept_data_loss" default:"" doc:"how much of what was written since the restore may be lost: a duration like 15m, or all; without it the step is refused and says how much it would be"`
	Maintenance    string `json:"maintenance" default:"postgres" doc:"database to connect to while the others are renamed"`
}

type swapState struct {
	Live    string `json:"live"`
	OID     uint32 `json:"oid"`
	With    string `json:"with"`
	WithOID uint32 `json:"with_oid"`
	Since   string `json:"since"` // what was written since is not in it; "" when that is not known
	Goes    string `json:"goes_receipt"`
}

type swapOut struct {
	Database string `json:"database" doc:"name of the database"`
	OID      int    `json:"oid" doc:"OID of what has the name now"`
	Kept     string `json:"kept" doc:"name under which the one that had it is kept"`
}

func swapAction() actions.Action {
	return actions.Define(actions.Def[swapIn, swapState, swapOut]{
		Name:    "postgres.swap",
		Summary: "Give the name of a database to one that a restore kept, in one transaction; the one that had it is kept in turn. What was written since is not in it.",
		Effect:  actions.Destroy,
		Prepare: prepareSwap, Preview: previewSwap, Run: runSwap, Probe: probeSwap,
		Undo: func(in swapIn, st swapState, _ swapOut) ([]actions.Step, error) {
			with := map[string]any{"with": st.Goes, "maintenance": in.Maintenance}
			if in.Database != "" {
				with["database"] = in.Database
			}
			return []actions.Step{{Name: "Swap " + st.Live + " back", Uses: "postgres.swap", With: with}}, nil
		},
		Owes: func(_ swapIn, st swapState) []actions.Obligation {
			return []actions.Obligation{{Key: keptKey(st.Goes), What: "the database that had the name is kept as " + st.Goes, Until: "nobody needs to go back to it", Instead: "postgres.drop_kept"}}
		},
		Settles: func(_ swapIn, st swapState) []string { return []string{keptKey(st.With)} },
		Tell: func(o swapOut) string {
			return fmt.Sprintf("%s is the other one now; the one before is kept as %s", o.Database, o.Kept)
		},
		Examples: []actions.Example{
			{Title: "Go back to what there was before a restore", YAML: "uses: postgres.swap\nwith: {with: app_db_was_k3x8qz_1f2e3d4c, accept_data_loss: 15m}"},
		},
	})
}

func prepareSwap(ctx context.Context, c *actions.Call, in swapIn) (swapState, error) {
	var st swapState
	if err := validLoss(in.AcceptDataLoss); err != nil {
		return st, err
	}
	conn, err := in.open(ctx, c)
	if err != nil {
		return st, err
	}
	defer conn.Close()
	st = swapState{Live: conn.ID.Database, OID: conn.ID.OID, With: in.With, Goes: besides(conn.ID.Database, "was", c.Key)}
	if err := mayReplace(ctx, conn, in.Maintenance); err != nil {
		return st, err
	}
	all, err := find(ctx, conn, in.With, st.Goes)
	if err != nil {
		return st, err
	}
	with := all[in.With]
	switch {
	case !with.there:
		return st, actions.Invalid("list them with: psql -l", "there is no database %s", in.With)
	case in.With == st.Live:
		return st, actions.Invalid("", "database %s has that name already", in.With)
	case all[st.Goes].there:
		return st, actions.Refuse("look whose it is, then rename or drop it", "there is a database %s already", st.Goes)
	}
	st.WithOID = with.OID
	return st, st.accepted(ctx, conn, with, in.AcceptDataLoss)
}

// accepted says whether what would be lost may be, and takes only a database
// that a restore left whole.
func (st *swapState) accepted(ctx context.Context, conn *pg.Conn, with base, accepted string) error {
	since, _, kept := keptSince(with.Comment)
	whole := strings.HasPrefix(with.Comment, asideMark) && strings.HasSuffix(with.Comment, ", whole")
	switch {
	case !kept && !whole:
		return actions.Refuse("only what postgres.restore or postgres.swap left is swapped in", "database %s is not one that a restore kept: its comment is %q", with.Name, with.Comment)
	case !kept && accepted == allLoss:
		return nil
	case !kept:
		return actions.Refuse("say: accept_data_loss: all", "how much would be lost is not known: %s was restored and never in use", with.Name)
	}
	st.Since = since.UTC().Format(time.RFC3339)
	var now time.Time
	if err := conn.QueryRow(ctx, `select clock_timestamp()`).Scan(&now); err != nil {
		return pg.Explain(ctx, err, "asking the server for the time")
	}
	err := acceptLoss(accepted, since, now, "when it was put aside")
	if err != nil && accepted == "" {
		return actions.Refuse(actions.HintOf(err)+"; in an undo: runback undo RUN --save undo.yaml, write it there, runback run undo.yaml", "%w", err)
	}
	return err
}

func previewSwap(ctx context.Context, c *actions.Call, in swapIn, st swapState) (actions.Preview, error) {
	conn, err := in.open(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	defer conn.Close()
	p := actions.Preview{
		Label: actions.Predicted, Summary: fmt.Sprintf("%s becomes %s", st.With, st.Live), Object: "database " + st.Live + " at " + conn.ID.Server,
		Changes: []actions.FieldChange{
			{Path: "content", Before: fmt.Sprintf("database with OID %d", st.OID), After: fmt.Sprintf("%s, with OID %d", st.With, st.WithOID)},
			{Path: "what was written since " + st.Since, Before: "there"},
			{Path: "open sessions", Before: "there"},
		},
		Notes: []string{"the database that has the name now is kept, and named after this run"},
	}
	if st.Since == "" {
		p.Changes[1].Path = "what was written since the dump"
	}
	return p, nil
}

// at says how the names are given now.
func (st swapState) at(ctx context.Context, conn *pg.Conn) (done bool, live, with base, err error) {
	all, err := find(ctx, conn, st.Live, st.With, st.Goes)
	if err != nil {
		return false, live, with, err
	}
	live, with = all[st.Live], all[st.With]
	switch goes := all[st.Goes]; {
	case live.OID == st.WithOID && goes.OID == st.OID:
		return true, live, with, nil
	case live.OID == st.OID && with.OID == st.WithOID && !goes.there:
		return false, live, with, nil
	}
	return false, live, with, actions.Refuse("list them with: psql -l", "the databases are not as they were: %s has OID %d, %s has OID %d", st.Live, live.OID, st.With, with.OID)
}

func runSwap(ctx context.Context, c *actions.Call, in swapIn, st swapState) (swapOut, error) {
	out := swapOut{Database: st.Live, OID: int(st.WithOID), Kept: st.Goes}
	if st.Live == "" {
		return out, errors.New("nothing was prepared")
	}
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return out, err
	}
	defer conn.Close()
	if err := conn.Fence(ctx, c, application(c), fencePatience); err != nil {
		return out, err
	}
	done, live, with, err := st.at(ctx, conn)
	if err != nil || done {
		return out, err
	}
	_, was, kept := keptSince(with.Comment)
	x := exchange{
		w: in.which, maintenance: in.Maintenance, live: live, comes: with, goes: st.Goes,
		comment: func(live, _ base, now time.Time) (string, string) {
			if !kept {
				was = live.Comment
			}
			return was, keptComment(c.Key, st.Live, now, live.Comment)
		},
	}
	conn.Close()
	return out, acted(x.run(ctx, c))
}

func probeSwap(ctx context.Context, c *actions.Call, in swapIn, st swapState) (actions.Verdict, swapOut, error) {
	out := swapOut{Database: st.Live, OID: int(st.WithOID), Kept: st.Goes}
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return actions.Unknown, out, err
	}
	defer conn.Close()
	left, err := ended(ctx, c, conn, application(c))
	switch {
	case err != nil:
		return actions.Unknown, out, err
	case left:
		return actions.InFlight, out, sessionsAtWork()
	}
	done, _, _, err := st.at(ctx, conn)
	switch {
	case actions.KindOf(err) == actions.KindRefused:
		return actions.Foreign, out, err
	case err != nil:
		return actions.Unknown, out, err
	case done:
		return actions.Applied, out, nil
	}
	return actions.NotApplied, out, nil
}
