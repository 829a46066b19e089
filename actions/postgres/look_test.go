package postgres_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testpostgres"
)

const owner = testpostgres.Owner

func TestReady(t *testing.T) {
	db := database(t, owner)
	for _, role := range []string{testpostgres.Superuser, owner} {
		out := step(t, "postgres.ready", role, db, nil).must()
		if out["status"] != "accepting" || out["accepting"] != true || out["replica"] != false || out["user"] != role || out["database"] != db || out["max_connections"] != 57 {
			t.Errorf("%s: %v", role, out)
		}
		if sees := role == testpostgres.Superuser; out["sees_all"] != sees || (out["idle_in_transaction"] != nil) != sees {
			t.Errorf("%s: %v", role, out)
		}
		if n, ok := out["here"].(int); !ok || n < 1 {
			t.Errorf("%s: %v", role, out)
		}
	}
}

func TestReadyIsARefusalOrAResult(t *testing.T) {
	db := database(t, owner)
	w := step(t, "postgres.ready", owner, db, nil)
	d := w.c.Target.Databases["app"]
	set := func(url, system string) {
		d.URL, d.System = url, system
		w.c.Target.Databases["app"] = d
	}
	set("postgres://app@127.0.0.1:1/x", "")
	if out := w.must(); out["status"] != "no_response" || out["accepting"] != false || out["reason"] == "" || out["connections"] != nil {
		t.Errorf("%v", out)
	}
	set(server.URL(owner, db), "1234")
	_, err := w.run(t.Context())
	refused(t, err, actions.KindRefused, "not the server that was planned")
	set(server.URL(owner, "nothere"), "")
	_, err = w.run(t.Context())
	refused(t, err, actions.KindInvalid, "3D000")
}

// Full is what pg_isready calls rejecting: the server answers and takes nobody.
func TestReadyWhenFull(t *testing.T) {
	db := database(t, owner)
	sql(t, "postgres", "alter database "+db+" connection limit 0")
	if out := step(t, "postgres.ready", owner, db, nil).must(); out["status"] != "rejecting" || !strings.Contains(out["reason"].(string), "53300") {
		t.Errorf("%v", out)
	}
}

func TestQueryValues(t *testing.T) {
	db := database(t, owner)
	for expr, want := range map[string]any{
		"1::smallint": 1, "9007199254740993::bigint": 9007199254740993, "1.50::numeric": 1.5, "5.00::numeric": 5, "'NaN'::numeric": nil, "12345678901234567890::numeric": "12345678901234567890",
		"1.5::float8": 1.5, "'infinity'::float8": nil, "true": true, "null::text": nil, "'é'::text": "é",
		"timestamptz '2026-01-31 03:00:00.25+02'": "2026-01-31T01:00:00.25Z", "timestamp '2026-01-31 03:00:00'": "2026-01-31T03:00:00Z", "timestamptz 'infinity'": "infinity",
		"date '2026-01-31'": "2026-01-31", "interval '1 day 2 hours 0.5 seconds'": 93600.5, "interval '-1 minute'": -60,
		`'{"a": [1, 2.5]}'::jsonb`: map[string]any{"a": []any{1, 2.5}}, "array[1,2]": "{1,2}", "'\\x00ff'::bytea": `\x00ff`, "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
	} {
		out := step(t, "postgres.query", owner, db, map[string]any{"sql": "select " + expr + " as v"}).must()
		if !reflect.DeepEqual(out["value"], want) || out["row_count"] != 1 {
			t.Errorf("%s is %#v, want %#v", expr, out["value"], want)
		}
	}
}

func TestQueryBounds(t *testing.T) {
	db := database(t, owner)
	out := step(t, "postgres.query", owner, db, map[string]any{"sql": "select i, i as i, $1::int + i, $2 = 'x' from (select generate_series(1, 100000000) as i) g", "args": []any{10, "x"}, "limit": 3}).must()
	if fmt.Sprint(out["columns"]) != "[i i_2 ?column? ?column?_2]" || out["row_count"] != 3 || out["truncated"] != true || out["value"] != 1 {
		t.Errorf("%v", out)
	}
	out = step(t, "postgres.query", owner, db, map[string]any{"sql": "select repeat('x', 100000) as v from generate_series(1, 50)"}).must()
	if out["row_count"] != 2 || out["truncated"] != true {
		t.Errorf("%v %v", out["row_count"], out["truncated"])
	}
	out = step(t, "postgres.query", owner, db, map[string]any{"sql": "select 1 where false"}).must()
	if out["row_count"] != 0 || out["value"] != nil || out["truncated"] != false {
		t.Errorf("%v", out)
	}
}

// Whatever writes is refused: by the server, or before it is asked.
func TestQueryOnlyReads(t *testing.T) {
	db := database(t, owner, "create table a (x int)", "insert into a values (1)", "create sequence s", "grant all on all tables in schema public to app", "grant all on sequence s to app",
		"create function w() returns int language plpgsql as $$begin perform set_config('transaction_read_only', 'off', true); delete from a; return 1; end$$")
	for sql, says := range map[string]string{
		"delete from a": "does more than read",
		"with d as (delete from a returning 1) table d": "25006",
		"select nextval('s')":                           "25006",
		"select w()":                                    "before any query",
		"select 1; delete from a":                       "42601",
		"commit":                                        "does more than read",
		"/* select */ -- x\n do $$begin delete from a; end$$": "does more than read",
		"copy a to program 'cat'":                             "does more than read",
		"set transaction read write":                          "does more than read",
		"explain analyze delete from a":                       "25006",
		"select 1 from a for update":                          "25006",
		"select pg_terminate_backend(1)":                      "pg_terminate_backend",
		"(((":                                                 "does more than read",
		"select * from nothere":                               "42P01",
		"select pg_sleep(20)":                                 "longer than the statement may take",
	} {
		for _, role := range []string{owner, testpostgres.Superuser} {
			w := step(t, "postgres.query", role, db, map[string]any{"sql": sql, "timeout": "300ms"})
			err := w.tryPrepare()
			if err == nil {
				_, err = w.run(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %s", sql, err, says)
			}
		}
	}
	if sqlOut := sql(t, db, "select count(*) from a"); sqlOut != "1" {
		t.Errorf("%s rows are left", sqlOut)
	}
	step(t, "postgres.query", owner, db, map[string]any{"sql": " /* look */ (select 1)"}).must()
	step(t, "postgres.query", owner, db, map[string]any{"sql": "show server_version"}).must()
}
