package alembic_test

import (
	"os"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

// What cannot end well is refused before anything was changed, with the reason.
func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		chain, at, to string
		break_        func(w *world)
		kind          actions.Kind
		says          string
	}{
		"the code was rolled back first":  {"linear", "head", "-1", func(w *world) { w.remove("versions/ddd4.py") }, actions.KindRefused, "the database is at revision ddd4, and "},
		"a file in the middle is missing": {"linear", "head", "-1", func(w *world) { w.remove("versions/bbb2.py") }, actions.KindInvalid, "revision 'bbb2' is missing"},
		"it does nothing":                 {"noop", "head", "-1", nil, actions.KindRefused, "revision bbb2 would only pretend"},
		"it raises":                       {"raises", "head", "-1", nil, actions.KindRefused, `raise NotImplementedError(\"one way only\")`},
		"relative with two heads":         {"branches", "heads", "-1", nil, actions.KindRefused, "write one of left@-1, right@-1"},
		"below the branching":             {"branches", "heads", "aaa1", nil, actions.KindRefused, "would take 2 branches back (ccc3, eee5); take them back one by one, like left@aaa1"},
		"relative at a join":              {"merge", "heads", "-1", nil, actions.KindRefused, "revision mmm6 joins several branches; write one of ccc3, eee5"},
		"too far":                         {"linear", "ccc3", "-4", nil, actions.KindRefused, "-4"},
		"no such revision":                {"linear", "ccc3", "abc", nil, actions.KindRefused, "abc"},
		"not below the database":          {"linear", "bbb2", "ddd4", nil, actions.KindRefused, "not a valid downgrade target"},
		"rows in a table": {"linear", "ccc3", "-1", func(w *world) {
			w.sql("insert into customers values (1)", "insert into orders select n, 1 from generate_series(1, 7) n")
		}, actions.KindRefused, "revision ccc3 drops table public.orders: 7 rows, "},
		"values in a column": {"linear", "bbb2", "-1", func(w *world) { w.sql("insert into customers values (1, 'a', null), (2, 'b', 'b@example')") }, actions.KindRefused,
			"revision bbb2 drops column public.customers.email: 1 rows have a value in it"},
		"its SQL is not known":     {"data", "head", "-1", nil, actions.KindRefused, "what revision bbb2 does to data cannot be known: it needs the database"},
		"env.py leads elsewhere":   {"linear", "head", "-1", func(w *world) { w.env["ELSEWHERE"] = "postgresql://app@127.0.0.1:" + port() + "/postgres" }, actions.KindRefused, "env.py leads to database postgres of the server"},
		"no PostgreSQL":            {"linear", "head", "-1", func(w *world) { w.env["ELSEWHERE"] = "sqlite:///other.db" }, actions.KindRefused, "of the kind sqlite"},
		"env.py writes at once":    {"linear", "head", "-1", func(w *world) { w.env["WRITES_FIRST"] = "1" }, actions.KindInvalid, "env.py writes to the database as soon as it connects"},
		"another version table":    {"linear", "head", "-1", func(w *world) { w.more["version_table"] = "schema_version" }, actions.KindRefused, "env.py keeps the version in table alembic_version"},
		"no such section":          {"linear", "head", "-1", func(w *world) { w.more["section"] = "none" }, actions.KindFailed, "has no '[none]' section"},
		"no such configuration":    {"linear", "head", "-1", func(w *world) { w.more["config"] = "none.ini" }, actions.KindInvalid, "none.ini"},
		"a Python without alembic": {"linear", "head", "-1", func(w *world) { w.more["python"] = w.fakePython() }, actions.KindInvalid, "has no alembic"},
		"PG variables":             {"linear", "head", "-1", func(w *world) { w.env["PGHOST"] = "other" }, actions.KindInvalid, "PGHOST"},
		"a range":                  {"linear", "head", "ddd4:aaa1", nil, actions.KindInvalid, "is no revision"},
		"env.py fails":             {"linear", "head", "-1", func(w *world) { w.write("env.py", "raise RuntimeError('not today')") }, actions.KindFailed, "RuntimeError: not today"},
		"another user": {"linear", "head", "-1", func(w *world) {
			w.sql("drop role if exists migrator", "create role migrator login superuser")
			w.write("env.py", strings.Replace(w.read("env.py"), `"application_name": "shop"`, `"user": "postgres", "password": "`+pythonPassword()+`"`, 1))
		}, actions.KindRefused, "env.py logs in as postgres"},
	} {
		t.Run(name, func(t *testing.T) {
			w := project(t, tc.chain).at(tc.at)
			before, tables := w.version(), w.tables()
			if tc.break_ != nil {
				tc.break_(w)
			}
			err := w.downgrade(tc.to).try()
			if actions.KindOf(err) != tc.kind || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v (%s)", actions.KindOf(err), err, actions.HintOf(err))
			}
			if w.version() != before || w.tables() != tables || w.exists("other.db") {
				t.Errorf("it is at %s with %s", w.version(), w.tables())
			}
			if found, err := os.ReadDir(w.children()); err != nil && !os.IsNotExist(err) || len(found) > 0 {
				t.Errorf("left behind: %v %v", found, err)
			}
		})
	}
}

// What is true when the step is prepared may be false when it is run.
func TestChangedMeanwhile(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, w *world)
		kind   actions.Kind
		says   string
	}{
		"a revision's file": {func(_ *testing.T, w *world) { w.write("versions/ddd4.py", w.read("versions/ddd4.py")+"# other\n") }, actions.KindConflict, "the file of revision ddd4 is another one"},
		"env.py":            {func(_ *testing.T, w *world) { w.write("env.py", w.read("env.py")+"# other\n") }, actions.KindConflict, "env.py is another one"},
		"the version":       {func(_ *testing.T, w *world) { w.must(w.tool("downgrade", "-1")) }, actions.KindConflict, "the version is ccc3 by now"},
		"where env.py leads": {func(t *testing.T, _ *world) {
			t.Setenv("ELSEWHERE", "postgresql://app@127.0.0.1:"+port()+"/postgres")
		}, actions.KindRefused, "env.py leads to database postgres"},
		"another migration": {func(_ *testing.T, w *world) { w.otherMigration() }, actions.KindConflict, "another migration of this database is at work (session "},
		"rows came": {func(_ *testing.T, w *world) {
			w.sql("insert into customers values (1)", "insert into orders values (1, 1)")
		}, actions.KindRefused, "drops table public.orders: 1 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			w := project(t, "linear").at("head")
			s := w.downgrade("bbb2").prepare()
			tc.change(t, w)
			before := w.version()
			_, err := s.run(t.Context())
			if actions.KindOf(err) != tc.kind || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v", actions.KindOf(err), err)
			}
			if w.version() != before || !strings.Contains(w.tables(), "orders") {
				t.Errorf("it is at %s with %s", w.version(), w.tables())
			}
			if before == "ddd4" {
				s.wants(actions.NotApplied, "")
			} else {
				s.wants(actions.Foreign, "so somebody else migrated")
			}
		})
	}
}
