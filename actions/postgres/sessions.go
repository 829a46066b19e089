package postgres

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/runbackhq/runback/internal/pg"
)

// seen is one session as pg_stat_activity shows it. What belongs to a session of
// another role is hidden from those who may not see it; pid, application and
// role are not.
type seen struct {
	pid               int
	started           *time.Time // backend_start; nil when it is hidden
	user, application string
	database, client  string
	kind, state       string
	age               *float64 // seconds that its transaction is open
	waits             *float64 // seconds that it waits for a lock
	on                string   // what lock
	query             string
	blockedBy         []int
}

// mostQuery keeps statements short: they hold what customers typed.
const mostQuery = 200

// sessions gives what is at work in this database, our own session left out.
// pid 0 among those that block stands for a prepared transaction.
func sessions(ctx context.Context, conn *pg.Conn) ([]seen, error) {
	since := "a.query_start"
	if conn.ID.Version >= 140000 {
		since = "coalesce(l.waitstart, a.query_start)"
	}
	// Asking who blocks takes locks of the lock manager: once for each session.
	rows, err := conn.Query(ctx, `with a as materialized (select *, pg_blocking_pids(pid) as by from pg_stat_activity where pid <> pg_backend_pid())
		select a.pid, a.backend_start, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.datname, ''),
		coalesce(a.client_addr::text, ''), coalesce(a.backend_type, ''), coalesce(a.state, ''),
		extract(epoch from clock_timestamp() - a.xact_start)::float8, coalesce(left(a.query, 2000), ''), a.by,
		extract(epoch from clock_timestamp() - `+since+`)::float8,
		coalesce(l.mode || ' on ' || case when l.relation is not null and l.database = (select oid from pg_database where datname = current_database())
			then l.relation::regclass::text else l.locktype end, '')
		from a left join lateral (select * from pg_locks l where l.pid = a.pid and not l.granted limit 1) l on cardinality(a.by) > 0
		where a.datname = current_database() or a.pid in (select unnest(w.by) from a w where w.datname = current_database())
		order by a.backend_start, a.pid`)
	if err != nil {
		return nil, pg.Explain(ctx, err, "looking at the sessions")
	}
	defer rows.Close()
	var out []seen
	for rows.Next() {
		var s seen
		var by []int32
		if err := rows.Scan(&s.pid, &s.started, &s.user, &s.application, &s.database, &s.client, &s.kind, &s.state, &s.age, &s.query, &by, &s.waits, &s.on); err != nil {
			return nil, pg.Explain(ctx, err, "reading a session")
		}
		s.query = shortened(s.query)
		for _, pid := range by {
			s.blockedBy = append(s.blockedBy, int(pid))
		}
		if len(by) == 0 {
			s.waits, s.on = nil, ""
		}
		slices.Sort(s.blockedBy)
		s.blockedBy = slices.Compact(s.blockedBy) // a parallel query blocks more than once
		out = append(out, s)
	}
	return out, pg.Explain(ctx, rows.Err(), "reading the sessions")
}

// shortened makes one short line of a statement. One that speaks of a password
// is not shown: ALTER ROLE holds it in the clear.
func shortened(query string) string {
	if strings.Contains(strings.ToLower(query), "password") {
		return "(not shown: it speaks of a password)"
	}
	words := strings.Join(strings.FieldsFunc(query, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(words); len(r) > mostQuery {
		return string(r[:mostQuery]) + "…"
	}
	return words
}

// prepared is a transaction that was prepared and belongs to no session: it
// holds its locks until somebody commits it or rolls it back by its name.
type prepared struct {
	Name  string   `json:"name" doc:"name it was prepared under, as COMMIT PREPARED takes it"`
	Owner string   `json:"owner" doc:"role that prepared it"`
	Age   *float64 `json:"age_s" doc:"seconds since it was prepared"`
}

func preparedOnes(ctx context.Context, conn *pg.Conn) ([]prepared, error) {
	rows, err := conn.Query(ctx, `select gid, owner, extract(epoch from clock_timestamp() - prepared)::float8 from pg_prepared_xacts where database = current_database() order by prepared limit 100`)
	if err != nil {
		return nil, pg.Explain(ctx, err, "looking for prepared transactions")
	}
	defer rows.Close()
	out := []prepared{}
	for rows.Next() {
		var p prepared
		if err := rows.Scan(&p.Name, &p.Owner, &p.Age); err != nil {
			return nil, pg.Explain(ctx, err, "reading a prepared transaction")
		}
		out = append(out, p)
	}
	return out, pg.Explain(ctx, rows.Err(), "reading the prepared transactions")
}
