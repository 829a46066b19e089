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

// exchange gives the name of one database to another, and the first one a new
// name, all in one transaction.
type exchange struct {
	w           which
	maintenance string
	live        base   // has the name now
	comes       base   // gets it
	goes        string // what live is called afterwards
	// comments of both afterwards, made of what those are now and of the time
	// of the server.
	comment func(live, comes base, now time.Time) (of, kept string)
}

// The transaction takes the lock of the live database with its first ALTER
// DATABASE. Whoever connects from then on waits for that lock, and is told that
// the name is another one's when it is released (InitPostgres in PostgreSQL's
// postinit.c); the ALTER itself waits up to 5s until those who are in are gone
// (CountOtherDBBackends), and they are ended meanwhile by a second session. So
// nobody has to be locked out before by ALLOW_CONNECTIONS, which would stay when
// we die: until the commit nothing is changed, whoever dies.
func (x exchange) run(ctx context.Context, c *actions.Call) error {
	const tries = 5
	for n := 1; ; n++ {
		err := x.try(ctx, c)
		if err == nil || n == tries || ctx.Err() != nil || !inUse(err) || errors.Is(err, errBeyond) {
			return err
		}
		c.Say("somebody is still in the database; trying again")
		if err := c.Wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// errBeyond says that trying again is of no use.
var errBeyond = errors.New("our role may not end it")

// inUse: object_in_use, or lock_not_available.
func inUse(err error) bool {
	return strings.Contains(err.Error(), "SQLSTATE 55006") || strings.Contains(err.Error(), "SQLSTATE 55P03")
}

func (x exchange) try(ctx context.Context, c *actions.Call) error {
	conn, err := x.w.openOther(ctx, c, x.maintenance)
	if err != nil {
		return err
	}
	defer conn.Close()
	second, err := x.w.openOther(ctx, c, x.maintenance)
	if err != nil {
		return err
	}
	defer second.Close()
	// Before anybody has to wait for us: a session that we may not end.
	beyond, err := column(ctx, second, "looking for sessions that we may not end", `select distinct a.usename || ' (' || coalesce(a.application_name, '') || ')' from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
		where a.datid in ($1, $2) and `+notOurs+` order by 1`, x.live.OID, x.comes.OID)
	if err != nil {
		return err
	}
	if len(beyond) > 0 {
		return fmt.Errorf("somebody is in the database: %s: %w", strings.Join(beyond, ", "), errBeyond)
	}
	clearing, cleared := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- x.clear(clearing, c, second) }()
	err = x.transaction(ctx, conn)
	cleared()
	// Why sessions could not be ended says more than that they are there.
	if beyond := <-done; err != nil && inUse(err) && beyond != nil {
		err = fmt.Errorf("%w: %w", err, beyond)
	}
	return err
}

func (x exchange) transaction(ctx context.Context, conn *pg.Conn) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return pg.Explain(ctx, err, "beginning the swap")
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	do := func(sql string) error {
		_, err := tx.Exec(ctx, sql)
		return pg.Explain(ctx, err, "exchanging the names")
	}
	if err := do("alter database " + ident(x.live.Name) + " rename to " + ident(x.goes)); err != nil {
		return err
	}
	// Now nobody else changes them: what was looked at before is looked at again.
	now, live, comes, err := x.still(ctx, tx)
	if err != nil {
		return err
	}
	if err := dress(ctx, tx, live.OID, comes); err != nil {
		return err
	}
	of, kept := x.comment(live, comes, now)
	for _, sql := range []string{
		"comment on database " + ident(x.goes) + " is " + literal(kept),
		"comment on database " + ident(x.comes.Name) + " is " + orNull(of),
		"alter database " + ident(x.comes.Name) + " rename to " + ident(x.live.Name),
	} {
		if err := do(sql); err != nil {
			return err
		}
	}
	return pg.Explain(ctx, tx.Commit(ctx), "exchanging the names")
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return literal(text)
}

// still looks at both by name once they are locked, and refuses others than
// were meant.
func (x exchange) still(ctx context.Context, tx pgx.Tx) (now time.Time, live, comes base, err error) {
	all, err := find(ctx, tx, x.goes, x.comes.Name)
	if err != nil {
		return now, live, comes, err
	}
	live, comes = all[x.goes], all[x.comes.Name]
	if live.OID != x.live.OID || comes.OID != x.comes.OID {
		return now, live, comes, errors.New("the databases are not those that were to be exchanged: somebody else replaced one")
	}
	err = tx.QueryRow(ctx, `select clock_timestamp()`).Scan(&now)
	return now, live, comes, pg.Explain(ctx, err, "asking the server for the time")
}

// clear ends whoever is in one of the two databases, until the exchange is over.
// It waits for the lock to be taken: before that, who is ended comes back. The
// workers of autovacuum are ended by the server.
func (x exchange) clear(ctx context.Context, c *actions.Call, conn *pg.Conn) (beyond error) {
	for ctx.Err() == nil {
		rows, err := conn.Query(ctx, `select a.pid, coalesce(a.usename, a.backend_type, ''), coalesce(a.application_name, ''),
			case when `+notOurs+` then false else pg_terminate_backend(a.pid) end
			from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
			where a.datid in ($1, $2) and a.usesysid is not null and exists (select from pg_locks l
				where l.classid = 'pg_database'::regclass and l.objid = $1 and l.mode = 'AccessExclusiveLock' and l.granted and l.pid <> a.pid)`, x.live.OID, x.comes.OID)
		if err != nil {
			return pg.Explain(ctx, err, "ending the sessions")
		}
		for rows.Next() {
			var pid int
			var user, application string
			var ended bool
			if err := rows.Scan(&pid, &user, &application, &ended); err == nil && !ended {
				beyond = fmt.Errorf("session %d of %s (%s) is in the database: %w", pid, user, application, errBeyond)
			}
		}
		rows.Close()
		if c.Wait(ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	return beyond
}
