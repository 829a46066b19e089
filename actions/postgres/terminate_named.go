package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// named gives the sessions that the inputs name, and refuses inputs that name
// them in more than one way or by half.
func (in terminateIn) named() ([]victim, error) {
	ways := 0
	for _, given := range []bool{in.PID != 0 || in.BackendStart != "", in.Sessions != nil, in.Blockers} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return nil, actions.Invalid("give pid and backend_start, or sessions, or blockers: true", "the sessions are named in %d ways", ways)
	}
	if in.Blockers {
		return nil, nil
	}
	if in.Sessions == nil {
		v, err := named(in.PID, in.BackendStart)
		return []victim{v}, err
	}
	var out []victim
	for _, item := range in.Sessions {
		m, _ := item.(map[string]any)
		pid, _ := m["pid"].(int)
		start, _ := m["backend_start"].(string)
		v, err := named(pid, start)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func named(pid int, start string) (victim, error) {
	at, err := time.Parse(time.RFC3339Nano, start)
	if pid < 1 || err != nil {
		return victim{}, actions.Invalid("postgres.locks tells both: {pid: 4711, backend_start: 2026-01-31T03:00:00.123456Z}",
			"a session needs its pid and when it began; given are pid %d and backend_start %q", pid, start)
	}
	return victim{PID: pid, Started: at.UTC().Truncate(time.Microsecond)}, nil
}

// now is what is known of a session.
type now struct {
	seen
	found bool
	may   bool // whether we may end it
}

// lookUp finds a session by pid and start.
func lookUp(ctx context.Context, conn *pg.Conn, v victim) (now, error) {
	n := now{}
	err := conn.QueryRow(ctx, `select pid, backend_start, coalesce(usename, ''), coalesce(application_name, ''), coalesce(datname, ''), coalesce(backend_type, ''),
		coalesce(state, ''), extract(epoch from clock_timestamp() - xact_start)::float8, coalesce(left(query, 2000), ''),
		coalesce((select rolsuper from pg_roles where rolname = current_user) or pg_has_role(current_user, usesysid, 'usage')
			or pg_has_role(current_user, 'pg_signal_backend', 'usage') and not (select rolsuper from pg_roles r where r.oid = usesysid), false)
		from pg_stat_activity where pid = $1 and (backend_start = $2 or backend_start is null)`, v.PID, v.Started).
		Scan(&n.pid, &n.started, &n.user, &n.application, &n.database, &n.kind, &n.state, &n.age, &n.query, &n.may)
	if errors.Is(err, pgx.ErrNoRows) {
		return n, nil
	}
	if err == nil && n.started == nil {
		return n, hidden(v.PID)
	}
	n.found, n.query = err == nil, shortened(n.query)
	return n, pg.Explain(ctx, err, fmt.Sprintf("looking at session %d", v.PID))
}

// mayEnd says whether a session may be ended, and completes what is known of it.
// One that is gone already needs no permission.
func mayEnd(ctx context.Context, conn *pg.Conn, v victim) (victim, error) {
	n, err := lookUp(ctx, conn, v)
	if err != nil || !n.found {
		return v, err
	}
	v.User, v.Application = n.user, n.application
	switch {
	case n.kind != "client backend":
		// Among them autovacuum "to prevent wraparound": ended, it starts again,
		// until the server takes no writes any more.
		return v, actions.Refuse("only sessions of clients are ended", "pid %d is a %s: %s", v.PID, n.kind, n.query)
	case strings.HasPrefix(n.application, pg.Prefix):
		return v, actions.Refuse("see: runback runs", "pid %d is a session of runback itself (%s)", v.PID, n.application)
	case n.database != conn.ID.Database:
		return v, actions.Refuse("name that database in the target", "pid %d works in database %s, not in %s", v.PID, n.database, conn.ID.Database)
	case !n.may:
		return v, actions.Refuse("grant pg_signal_backend to "+conn.ID.User+"; sessions of superusers can be ended by superusers only",
			"role %s may not end sessions of %s (pid %d)", conn.ID.User, n.user, v.PID)
	}
	return v, nil
}
