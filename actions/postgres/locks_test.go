package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// held makes a chain: a idle in transaction holds a row, b waits for it, c waits
// for b.
func held(t *testing.T, db string) (a, b *pgx.Conn) {
	t.Helper()
	a, b = connect(t, owner, db, "holder"), connect(t, owner, db, "second")
	do(t, a, "begin")
	do(t, a, "update t set x = x where x = 1")
	do(t, b, "begin")
	aside(t, b, "update t set x = x where x = 1")
	waits := func(n string) func() bool {
		return func() bool {
			return sql(t, db, "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()") == n
		}
	}
	until(t, "b waits", waits("1"))
	third := connect(t, owner, db, "third")
	aside(t, third, "alter table t add y int")
	until(t, "c waits", waits("2"))
	return a, b
}

func TestLocks(t *testing.T) {
	db := database(t, owner, "create table t as select 1 as x", "alter table t owner to app")
	if out := step(t, "postgres.locks", owner, db, nil).must(); out["waiting"] != 0 || out["replica"] != false || !strings.HasPrefix(out["finding"].(string), "nobody waits") {
		t.Errorf("%v", out)
	}
	held(t, db)
	out := step(t, "postgres.locks", testpostgres.Superuser, db, nil).must()
	blockers, _ := out["blockers"].([]any)
	if out["waiting"] != 2 || len(blockers) != 1 || out["longest_wait_s"] == nil {
		t.Fatalf("%v", out)
	}
	first := blockers[0].(map[string]any)
	if first["application"] != "holder" || first["state"] != "idle in transaction" || first["blocks"] != 2 || first["backend_start"] == "" || first["age_s"] == nil || first["query"] != "update t set x = x where x = 1" {
		t.Errorf("%v", first)
	}
	if trees := out["trees"].([]any); len(trees) < 3 || !strings.Contains(trees[0].(string), "holder") || !strings.HasPrefix(trees[1].(string), "  pid ") {
		t.Errorf("%v", out["trees"])
	}
	if idle := out["idle_in_transaction"].([]any); len(idle) != 1 || !strings.Contains(out["finding"].(string), "2 wait for pid") {
		t.Errorf("%v, %v", idle, out["finding"])
	}
}

// What may not be seen is said, and is not taken for nothing.
func TestLocksOfOthersAreHidden(t *testing.T) {
	db := database(t, owner, "create table t as select 1 as x")
	a := connect(t, testpostgres.Superuser, db, "theirs")
	do(t, a, "begin")
	do(t, a, "lock table t")
	w := step(t, "postgres.locks", owner, db, nil)
	if out := w.must(); out["sees_all"] != false || !strings.Contains(out["finding"].(string), "pg_read_all_stats") {
		t.Errorf("%v", out)
	}
	victim := step(t, "postgres.terminate", owner, db, map[string]any{"pid": int(a.PgConn().PID()), "backend_start": "2026-01-01T00:00:00Z"})
	refused(t, victim.tryPrepare(), actions.KindRefused, "cannot be seen")
}

func TestLocksShowNoPasswords(t *testing.T) {
	db := database(t, owner)
	a := connect(t, testpostgres.Superuser, db, "dba")
	do(t, a, "begin")
	do(t, a, "alter role app password null /* hunter2 */")
	defer do(t, a, "rollback")
	idle, _ := step(t, "postgres.locks", testpostgres.Superuser, db, nil).must()["idle_in_transaction"].([]any)
	if len(idle) != 1 || strings.Contains(idle[0].(map[string]any)["query"].(string), "hunter2") {
		t.Errorf("%v", idle)
	}
}

func TestTerminate(t *testing.T) {
	db := database(t, owner, "create table t as select 1 as x", "alter table t owner to app")
	held(t, db)
	locks := step(t, "postgres.locks", owner, db, nil).must()
	w := step(t, "postgres.terminate", owner, db, map[string]any{"sessions": locks["blockers"]}).prepare()
	w.wants(actions.NotApplied)
	if p := w.preview(); len(p.Changes) != 1 || p.Changes[0].Before != "app holder" || !strings.Contains(strings.Join(p.Notes, ""), "update t") {
		t.Errorf("%+v", p)
	}
	if out := w.must(); out["ended"] != 1 || out["gone"] != true {
		t.Errorf("%v", out)
	}
	w.wants(actions.Applied)
	until(t, "b goes on", func() bool {
		return sql(t, db, "select count(*) from pg_stat_activity where application_name = 'second' and wait_event_type = 'Lock'") == "0"
	})
	// Done again it finds nobody, also when the pid were given out again.
	if out := w.must(); out["gone"] != true {
		t.Errorf("%v", out)
	}
	// b, which now holds the row, is found as the next one.
	next := step(t, "postgres.terminate", owner, db, map[string]any{"blockers": true}).prepare()
	if out := next.must(); out["ended"] != 1 {
		t.Errorf("%v", out)
	}
	old := step(t, "postgres.terminate", owner, db, map[string]any{"blockers": true, "older_than": "1h"}).prepare()
	if p := old.preview(); len(p.Changes) != 0 || !strings.HasPrefix(p.Summary, "nothing to do") {
		t.Errorf("%+v", p)
	}
}

func TestTerminateRefuses(t *testing.T) {
	db := database(t, owner)
	ours, theirs := connect(t, owner, db, "runback/r-1/abc"), connect(t, testpostgres.Superuser, db, "theirs")
	named := func(role string, pid uint32) error {
		since := sql(t, "postgres", "select to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from pg_stat_activity where pid = "+itoa(pid))
		return step(t, "postgres.terminate", role, db, map[string]any{"pid": int(pid), "backend_start": since}).tryPrepare()
	}
	refused(t, named(owner, ours.PgConn().PID()), actions.KindRefused, "runback itself")
	sql(t, "postgres", "grant pg_read_all_stats, pg_signal_backend to app")
	defer sql(t, "postgres", "revoke pg_read_all_stats, pg_signal_backend from app")
	refused(t, named(owner, theirs.PgConn().PID()), actions.KindRefused, "may not end sessions of postgres")
	refused(t, named(testpostgres.Superuser, connect(t, owner, "postgres", "elsewhere").PgConn().PID()), actions.KindRefused, "works in database postgres")
	var launcher uint32
	if err := theirs.QueryRow(t.Context(), "select pid from pg_stat_activity where backend_type = 'autovacuum launcher'").Scan(&launcher); err != nil {
		t.Fatal(err)
	}
	refused(t, named(testpostgres.Superuser, launcher), actions.KindRefused, "autovacuum launcher")
	for name, with := range map[string]map[string]any{
		"nothing":     {},
		"pid alone":   {"pid": 12},
		"both":        {"blockers": true, "pid": 12, "backend_start": "2026-01-01T00:00:00Z"},
		"not a list":  {"sessions": []any{"4711"}},
		"not a start": {"pid": 12, "backend_start": "yesterday"},
	} {
		if err := step(t, "postgres.terminate", owner, db, with).tryPrepare(); actions.KindOf(err) != actions.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A prepared transaction holds its locks without any session.
func TestPreparedTransactionBlocks(t *testing.T) {
	db := database(t, owner, "create table t as select 1 as x", "alter table t owner to app")
	a := connect(t, owner, db, "two-phase")
	do(t, a, "begin")
	do(t, a, "lock table t")
	do(t, a, "prepare transaction 'stuck'")
	defer sql(t, db, "rollback prepared 'stuck'")
	waiting := connect(t, owner, db, "waits")
	aside(t, waiting, "select * from t")
	until(t, "it waits", func() bool {
		return sql(t, db, "select count(*) from pg_stat_activity where application_name = 'waits' and wait_event_type = 'Lock'") == "1"
	})
	out := step(t, "postgres.locks", owner, db, nil).must()
	if len(out["prepared"].([]any)) != 1 || !strings.Contains(out["finding"].(string), "1 wait for a prepared transaction") || !strings.Contains(out["trees"].([]any)[0].(string), "prepared") {
		t.Errorf("%v", out)
	}
	refused(t, step(t, "postgres.terminate", owner, db, map[string]any{"blockers": true}).tryPrepare(), actions.KindRefused, "prepared transaction")
}

// A statement that ends when it is cancelled loses its session all the same; one
// whose pid was given out again is not touched.
func TestTerminateRunningStatement(t *testing.T) {
	db := database(t, owner)
	a := connect(t, owner, db, "sleeper")
	slept := aside(t, a, "select pg_sleep(60)")
	var since string
	until(t, "it sleeps", func() bool {
		since = sql(t, "postgres", "select to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from pg_stat_activity where state = 'active' and pid = "+itoa(a.PgConn().PID()))
		return since != ""
	})
	other := step(t, "postgres.terminate", owner, db, map[string]any{"pid": int(a.PgConn().PID()), "backend_start": "2001-01-01T00:00:00Z"}).prepare()
	other.must()
	select {
	case err := <-slept:
		t.Fatalf("another session was ended: %v", err)
	default:
	}
	step(t, "postgres.terminate", owner, db, map[string]any{"pid": int(a.PgConn().PID()), "backend_start": since}).prepare().must()
	if err := <-slept; err == nil {
		t.Error("it went on")
	}
}
