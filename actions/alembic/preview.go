package alembic

import (
	"context"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

func preview(ctx context.Context, c *actions.Call, in moveIn, st prepared, d direction) (actions.Preview, error) {
	p := actions.Preview{
		Label: actions.Exact, Object: "database " + st.Database + " at " + st.Server,
		Summary: fmt.Sprintf("%s %s → %s", d, word(st.From), word(st.Target)),
		Assumes: []string{"nobody else migrates the database meanwhile; pods that run alembic upgrade head when they start are scaled down first"},
	}
	if len(st.Path) == 0 {
		p.Summary = "nothing to do: the database is at " + word(st.From)
		return p, nil
	}
	p.Changes = st.changes()
	for _, r := range st.Path {
		if r.Opaque != "" {
			p.Label = actions.Predicted
		}
	}
	t, err := c.Target.Database(in.Database)
	if err != nil {
		return p, err
	}
	conn, err := pg.Open(ctx, t, pg.Application(c.Key, "look"))
	if err != nil {
		return p, err
	}
	defer conn.Close()
	p.Notes, err = st.notes(ctx, conn, in)
	return p, err
}

// changes are the version and everything that is lost. They hold no counts:
// what was reviewed must not be refused because one more row was written.
func (st prepared) changes() []actions.FieldChange {
	out := []actions.FieldChange{{Path: "version in " + st.Table.String(), Before: st.From, After: st.Target}}
	for _, l := range st.Losses {
		before := "not known"
		if l.Holds != nil {
			before = map[bool]string{true: "holds data", false: "empty"}[*l.Holds]
		}
		change := actions.FieldChange{Object: l.what(), Path: string(l.Kind), Before: before}
		switch l.Kind {
		case converts:
			change.After = "as " + l.To
		case deletesRows, changesRows, opaque:
			change.After = l.Kind + " (revision " + harmKind(l.Revision) + ")"
		default:
		}
		out = append(out, change)
	}
	return out
}

func (st prepared) notes(ctx context.Context, conn *pg.Conn, in moveIn) ([]string, error) {
	var out []string
	for i, r := range st.Path {
		line := fmt.Sprintf("%d of %d: %s", i+1, len(st.Path), r.Revision)
		if r.Doc != "" {
			line += " (" + r.Doc + ")"
		}
		lost := false
		for _, l := range st.Losses {
			lost = lost || l.Revision == r.Revision && l.matters()
		}
		switch {
		case lost:
			line += ", loses data"
		case r.Opaque != "":
			line += ", its SQL is not known: " + r.Opaque
		default:
			line += ", loses no data"
		}
		out = append(out, line)
	}
	for _, l := range st.Losses {
		s, err := l.measure(ctx, conn)
		if err != nil {
			return nil, err
		}
		if l.matters() {
			out = append(out, l.say(s))
		}
	}
	out = append(out, st.atomicity(), fmt.Sprintf("a statement that waits for a lock longer than %s is given up", in.LockTimeout))
	holders, err := holders(ctx, conn, st.Touched)
	out = append(out, holders...)
	for _, r := range st.Path {
		if r.SQL != "" {
			out = append(out, "SQL of "+r.Revision+":\n"+r.SQL)
		}
	}
	return out, err
}

// atomicity says what a failure leaves behind.
func (st prepared) atomicity() string {
	for _, r := range st.Path {
		if r.Breaks {
			return "revision " + r.Revision + " commits in the middle: if it is killed there, a person must look"
		}
	}
	switch st.Transaction {
	case "path":
		return "all of it is one transaction: a failure leaves everything as it was"
	case "revision":
		return "each revision is a transaction: a failure leaves those before it done"
	default:
		return "env.py commits statement by statement: if it is killed, a person must look"
	}
}

// shortened keeps the beginning of an SQL text, without what only explains.
func shortened(sql string) string {
	var lines []string
	for line := range strings.Lines(sql) {
		line = strings.TrimRight(line, " \r\n")
		if line != "" && !strings.HasPrefix(line, "-- Running") {
			lines = append(lines, line)
		}
	}
	out := strings.Join(lines, "\n")
	if len(out) > mostSQL {
		out = strings.ToValidUTF8(out[:mostSQL], "") + "\n..."
	}
	return out
}

// holders tells who has locks on the tables that a path changes: whoever holds
// one makes the path wait, and everybody behind it.
func holders(ctx context.Context, conn *pg.Conn, touched []table) ([]string, error) {
	var names []string
	for _, t := range touched {
		names = append(names, t.quoted())
	}
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := conn.Query(ctx, `select format('session %s (%s%s) holds %s on %s%s', a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'unknown'),
			coalesce(', ' || a.state, ''), string_agg(distinct l.mode, ', '), l.relation::regclass,
			coalesce(' for ' || date_trunc('second', now() - a.xact_start)::text, ''))
		from pg_locks l join pg_stat_activity a using (pid)
		where l.locktype = 'relation' and l.granted and l.pid <> pg_backend_pid() and l.database = (select oid from pg_database where datname = current_database())
			and l.relation = any(select to_regclass(n)::oid from unnest($1::text[]) n)
		group by a.pid, a.application_name, a.usename, a.state, l.relation, a.xact_start order by a.xact_start nulls last, a.pid limit 20`, names)
	if err != nil {
		return nil, pg.Explain(ctx, err, "looking for locks")
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, pg.Explain(ctx, err, "reading a lock")
		}
		out = append(out, line)
	}
	return out, pg.Explain(ctx, rows.Err(), "reading the locks")
}
