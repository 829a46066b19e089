package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

type inPlaceIn struct {
	which
	File           string          `json:"file" doc:"the dump, on this machine, in any format that postgres.restore takes; plain SQL must have been made with --clean --if-exists"`
	AcceptDataLoss string          `json:"accept_data_loss" default:"" doc:"how much of what was written since the dump may be lost: a duration like 15m, or all; without it the step is refused and says how much it would be"`
	KeepOwners     bool            `json:"keep_owners" default:"true" doc:"whether objects get the owners and privileges that the dump gives them; false gives all of them to our role"`
	LockTimeout    schema.Duration `json:"lock_timeout" default:"5s" doc:"time to wait for the locks of all tables before anything is done; meanwhile others wait behind us"`
	Bin            string          `json:"bin,omitempty" doc:"folder of pg_restore and psql; without it they are looked for in PATH"`
}

type inPlaceState struct {
	dump
	Live    string   `json:"live"`
	OID     uint32   `json:"oid"`
	Comment string   `json:"comment"` // of the database before
	Locks   []string `json:"locks"`   // tables that the dump replaces
	Missing []string `json:"missing"` // objects that survive and do not fit any more
	Emptied []string `json:"emptied"`
	Child   string   `json:"child_receipt"`
	Host    string   `json:"host_receipt"`
}

// job is the nth child of the attempt. One more is begun only after it was asked
// and seen that those before it are gone and did not commit.
func (st inPlaceState) job(n int) tool.Job {
	return tool.Job{Child: fmt.Sprintf("%s-%d", st.Child, n), Host: st.Host}
}

// last gives the child that was begun last, and how it ended; none is 0.
func (a inPlace) last(st inPlaceState) (n int, end tool.End, err error) {
	for {
		next, err := a.room.Look(st.job(n + 1))
		if err != nil || next.State == supervise.NotStarted {
			return n, end, err
		}
		n, end = n+1, next
	}
}

// marked is the comment of the database afterwards. It is written in the same
// transaction, so it is there exactly when all the rest is; it stays, because
// taking it away would take away the only proof.
func (st inPlaceState) marked(key string) string {
	return strings.TrimSpace(st.Comment + "\nrunback: restored in place by " + key + "/" + st.Child + " from sha256:" + st.SHA256)
}

type inPlaceOut struct {
	Database string `json:"database" doc:"name of the database"`
	Made     string `json:"made" doc:"when the dump was made, as far as it is known"`
	SHA256   string `json:"sha256" doc:"SHA-256 of the dump"`
	Tables   int    `json:"tables" doc:"number of tables that the dump makes"`
	Rows     int    `json:"rows" doc:"number of rows that the dump holds"`
}

type inPlace struct{ family }

func inPlaceAction(f family) actions.Action {
	a := inPlace{f}
	return actions.Define(actions.Def[inPlaceIn, inPlaceState, inPlaceOut]{
		Name:    "postgres.restore_in_place",
		Summary: "Replace what a dump knows inside the database itself, in one transaction: for roles that may not create a database. What there was is gone for good; postgres.restore keeps it.",
		Effect:  actions.Destroy,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		NoUndo: "what was in the database is overwritten; postgres.restore keeps it",
		Tell: func(o inPlaceOut) string {
			return fmt.Sprintf("%s holds the dump of %s, %d tables", o.Database, o.Made, o.Tables)
		},
		Examples: []actions.Example{
			{Title: "Restore where no second database may be made", YAML: "uses: postgres.restore_in_place\nwith: {file: /var/backups/app.dump, accept_data_loss: 15m}\ntimeout: 9m"},
		},
	})
}

func (a inPlace) prepare(ctx context.Context, c *actions.Call, in inPlaceIn) (inPlaceState, error) {
	var st inPlaceState
	if err := validLoss(in.AcceptDataLoss); err != nil {
		return st, err
	}
	d, facts, err := a.openDump(ctx, c, in.File, in.Bin, in.KeepOwners, true)
	if err != nil {
		return st, err
	}
	conn, err := in.open(ctx, c)
	if err != nil {
		return st, err
	}
	defer conn.Close()
	job := tool.Announce(c.Key)
	st = inPlaceState{dump: *d, Live: conn.ID.Database, OID: conn.ID.OID, Child: job.Child, Host: job.Host}
	if err := mayOverwrite(ctx, conn); err != nil {
		return st, err
	}
	if err := suits(ctx, conn, d, facts); err != nil {
		return st, err
	}
	all, err := find(ctx, conn, st.Live)
	if err != nil {
		return st, err
	}
	st.Comment = all[st.Live].Comment
	if st.Missing, st.Emptied, err = losses(ctx, conn, facts); err != nil {
		return st, err
	}
	if st.Locks, err = tablesOf(ctx, conn, facts); err != nil {
		return st, err
	}
	if !d.Format.archive() && !facts.Drops && len(st.Locks) > 0 {
		return st, actions.Refuse("use postgres.restore, or make the dump with --clean --if-exists", "%s does not drop what it makes, and %d of its tables are there", d.File, len(st.Locks))
	}
	return st, st.accepted(ctx, conn, in.AcceptDataLoss)
}

func mayOverwrite(ctx context.Context, conn *pg.Conn) error {
	var owns bool
	err := conn.QueryRow(ctx, `select pg_has_role(current_user, datdba, 'usage') from pg_database where datname = current_database()`).Scan(&owns)
	switch {
	case err != nil:
		return pg.Explain(ctx, err, "asking what our role may do")
	case conn.ID.Replica:
		return actions.Refuse("name the primary in the target", "%s is a replica: nothing can be restored there", conn.ID.Server)
	case !owns:
		return actions.Refuse("use its owner, or a superuser, in the URL of the database", "role %s does not own database %s, so it cannot mark it as restored", conn.ID.User, conn.ID.Database)
	}
	return nil
}

// tablesOf are the tables of the dump that are there, as SQL writes them.
func tablesOf(ctx context.Context, conn *pg.Conn, f *facts) ([]string, error) {
	made := f.created()
	slices.Sort(made)
	return column(ctx, conn, "looking for the tables of the dump", `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p') and n.nspname || '.' || c.relname = any ($1::text[]) order by 1`, made)
}

func (a inPlace) preview(ctx context.Context, c *actions.Call, in inPlaceIn, st inPlaceState) (actions.Preview, error) {
	conn, err := in.open(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	defer conn.Close()
	p := actions.Preview{
		Label: actions.Predicted, Object: "database " + st.Live + " at " + conn.ID.Server,
		Summary: fmt.Sprintf("overwrites %d tables of database %s with the dump of %s; this cannot be undone", len(st.Locks), st.Live, st.Made),
		Changes: []actions.FieldChange{{Path: "content", Before: fmt.Sprintf("database with OID %d", st.OID), After: st.content()}, {Path: "what was written since " + st.Made, Before: "there"}},
		Notes: []string{
			"in one transaction: whoever uses these tables waits until it ends, and nothing is changed when it fails or is killed",
			fmt.Sprintf("it waits up to %s for the locks of all tables", in.LockTimeout),
		},
		Assumes: []string{"the dump is of " + st.MadeKnown},
	}
	p.Changes = append(p.Changes, gone(nil, st.Emptied)...)
	if n := len(st.Missing); n > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d objects are not in the dump and stay as they are, and if they refer to what is replaced all of it fails: %s", n, strings.Join(st.Missing[:min(n, 5)], ", ")))
	}
	return p, nil
}
