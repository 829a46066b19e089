package postgres_test

import (
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/postgres"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// TestDropWithAutovacuumInside: what was half restored is dropped although the
// server cleans it up just now, by who is no superuser.
func TestDropWithAutovacuumInside(t *testing.T) {
	db := database(t, owner)
	conn := connect(t, testpostgres.Superuser, db, "test")
	do(t, conn, "alter system set autovacuum_naptime = 1")
	do(t, conn, "select pg_reload_conf()")
	t.Cleanup(func() { sql(t, "postgres", "alter system reset autovacuum_naptime", "select pg_reload_conf()") })
	// A worker that sleeps after each page, and so stays.
	do(t, conn, "create table busy (a int, b text) with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)")
	do(t, conn, "insert into busy select i, repeat('x', 500) from generate_series(1, 20000) i")
	do(t, conn, "delete from busy where a % 2 = 0")
	until(t, "the worker is in", func() bool {
		return sql(t, "postgres", "select count(*) > 0 from pg_stat_activity where backend_type = 'autovacuum worker' and datname = '"+db+"'") == "t"
	})
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	target := actions.DatabaseTarget{URL: server.URL(owner, db), PasswordEnv: passwordEnv, System: system()}
	if err := postgres.Drop(t.Context(), target, db); err != nil {
		t.Error(err)
	}
	if n := sql(t, "postgres", "select count(*) from pg_database where datname = '"+db+"'"); n != "0" {
		t.Errorf("it is there")
	}
}
