package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// mostChanges bounds what is listed one by one.
const mostChanges = 500

func (a restore) preview(ctx context.Context, c *actions.Call, in restoreIn, st restoreState) (actions.Preview, error) {
	conn, err := in.open(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	defer conn.Close()
	p := actions.Preview{
		Label: actions.Predicted, Object: st.object(conn),
		Summary: fmt.Sprintf("replaces all of database %s by the dump of %s: %d tables, %d rows", st.Live, st.Made, st.Tables, st.Rows),
		Changes: st.changes(in),
	}
	if p.Notes, err = st.notes(ctx, conn); err != nil {
		return p, err
	}
	p.Notes = append(p.Notes,
		"the old database is kept, and named after this run; it takes its room until it is dropped: postgres.drop_kept",
		"undo gives it its name back, and loses what is written from the swap on")
	p.Assumes = append(p.Assumes, "the dump is of "+st.MadeKnown)
	return p, nil
}

func (d *dump) content() string {
	return fmt.Sprintf("dump of %s (%s, sha256 %s)", d.Made, d.Format, d.SHA256)
}

func (st restoreState) object(conn *pg.Conn) string {
	return "database " + st.Live + " at " + conn.ID.Server
}

// changes are what a saved plan is compared by: no name of the run and nothing
// that moves by itself is in them.
func (st restoreState) changes(in restoreIn) []actions.FieldChange {
	out := []actions.FieldChange{
		{Path: "content", Before: fmt.Sprintf("database with OID %d", st.OID), After: st.content()},
		{Path: "what was written since " + st.Made, Before: "there"},
		{Path: "open sessions", Before: "there"},
	}
	if !in.KeepOwners {
		out = append(out, actions.FieldChange{Path: "owners and privileges", Before: "as they are", After: "all with our role"})
	}
	return append(out, gone(st.Missing, st.Emptied)...)
}

func gone(missing, emptied []string) (out []actions.FieldChange) {
	for i, o := range missing {
		if i == mostChanges {
			out = append(out, actions.FieldChange{Path: "more objects that are not in the dump", Before: len(missing) - i})
			break
		}
		out = append(out, actions.FieldChange{Path: o, Before: "there"})
	}
	for i, t := range emptied {
		if i == mostChanges {
			out = append(out, actions.FieldChange{Path: "more tables without rows in the dump", Before: len(emptied) - i})
			break
		}
		out = append(out, actions.FieldChange{Path: "rows of " + t, Before: "there"})
	}
	return out
}

// notes tell what moves by itself: times, sizes, sessions.
func (st restoreState) notes(ctx context.Context, conn *pg.Conn) ([]string, error) {
	var now time.Time
	var size int64
	var sessions, slots, subscriptions, publications int
	err := conn.QueryRow(ctx, `select clock_timestamp(), pg_database_size(current_database()),
		(select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()),
		(select count(*)::int from pg_replication_slots where database = current_database()),
		(select count(*)::int from pg_stat_subscription), (select count(*)::int from pg_publication)`).
		Scan(&now, &size, &sessions, &slots, &subscriptions, &publications)
	if err != nil {
		return nil, pg.Explain(ctx, err, "asking what there is")
	}
	made, err := time.Parse(time.RFC3339, st.Made)
	if err != nil {
		return nil, err
	}
	out := []string{
		fmt.Sprintf("what was written in the last %s is lost; how many rows that are cannot be known", rough(now.Sub(made))),
		fmt.Sprintf("the database has %s now, the dump %s; the restored one is made besides it", bytesWords(size), bytesWords(st.Size)),
		fmt.Sprintf("%d sessions are ended at the swap, and nobody gets in for the moment that it takes", sessions),
	}
	if n := len(st.Missing); n > 0 {
		out = append(out, fmt.Sprintf("%d objects are not in the dump and will not be there: %s", n, strings.Join(st.Missing[:min(n, 5)], ", ")))
	}
	if n := len(st.Emptied); n > 0 {
		out = append(out, fmt.Sprintf("%d tables have rows and the dump has none for them: %s", n, strings.Join(st.Emptied[:min(n, 5)], ", ")))
	}
	if slots > 0 || subscriptions > 0 || publications > 0 {
		out = append(out, fmt.Sprintf("logical replication goes with the old database: %d slots, %d subscriptions, %d publications; set it up anew", slots, subscriptions, publications))
	}
	free, seen := freeAt(ctx, conn)
	if !seen {
		return append(out, "whether the disk of the server has room for it cannot be seen from here"), nil
	}
	return append(out, "the disk of the server has "+bytesWords(free)+" free"), nil
}
