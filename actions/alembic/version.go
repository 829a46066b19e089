package alembic

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

func (t table) String() string { return t.Schema + "." + t.Name }

func (t table) quoted() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

// read gives the heads of the database, sorted; none where there is no table.
func (t table) read(ctx context.Context, conn *pg.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, "select version_num::text from "+t.quoted()+" order by 1")
	if err == nil {
		heads, e := pgx.CollectRows(rows, pgx.RowTo[string])
		if e == nil {
			slices.Sort(heads) // the server may sort by other rules
			return slices.Compact(heads), nil
		}
		err = e
	}
	// No such table, no such schema.
	if answered, ok := errors.AsType[*pgconn.PgError](err); ok && (answered.Code == "42P01" || answered.Code == "3F000") {
		return []string{}, nil
	}
	return nil, pg.Explain(ctx, err, "reading the version table "+t.String())
}

// same compares sorted heads.
func same(a, b []string) bool { return slices.Equal(a, b) }

// The first keys of our advisory locks; the second says which version table. One
// is held by the executor for the time of a run, the other by the session that
// migrates, which may outlive the executor.
const (
	lockOfRun       = 0x72620001
	lockOfMigration = 0x72620002
)

func (t table) lockKey() int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.String())) // never fails, hash.Hash says
	return int32(h.Sum32())
}

// claim takes the lock of a run, which ends with the session, and refuses when
// another run has it or a session of one is at work.
func (t table) claim(ctx context.Context, conn *pg.Conn) error {
	var got bool
	if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1, $2)", int32(lockOfRun), t.lockKey()).Scan(&got); err != nil {
		return pg.Explain(ctx, err, "taking the lock of the migration")
	}
	key := int32(lockOfMigration)
	if !got {
		key = lockOfRun
	}
	var pid int32
	var name string
	err := conn.QueryRow(ctx, `select l.pid, coalesce(a.application_name, '') from pg_locks l left join pg_stat_activity a using (pid)
		where l.locktype = 'advisory' and l.granted and l.classid::bigint = $1 and l.objid::bigint = $2 and l.objsubid = 2
		and l.database = (select oid from pg_database where datname = current_database()) and l.pid <> pg_backend_pid() limit 1`,
		int64(uint32(key)), int64(uint32(t.lockKey()))).Scan(&pid, &name)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && got:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return actions.Conflict("run it again", "another migration of this database was at work; nothing was changed")
	case err != nil:
		return pg.Explain(ctx, err, "looking for other migrations")
	default:
		return actions.Conflict("wait for it, or look at its run with runback runs", "another migration of this database is at work (session %d, %s); nothing was changed", pid, name)
	}
}
