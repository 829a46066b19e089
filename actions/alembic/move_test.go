package alembic_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

// Whatever form the target has, it becomes a list of revisions.
func TestResolves(t *testing.T) {
	top, worlds := t, map[string]*world{}
	for _, tc := range []struct {
		chain, at, to string
		heads         []string
		path, target  string
	}{
		{"linear", "ddd4", "-1", nil, "ddd4", "ccc3"},
		{"linear", "ddd4", "-2", nil, "ddd4 ccc3", "bbb2"},
		{"linear", "ddd4", "bb", nil, "ddd4 ccc3", "bbb2"}, // a unique prefix
		{"linear", "ddd4", "base", nil, "ddd4 ccc3 bbb2 aaa1", ""},
		{"linear", "ddd4", "ddd4", nil, "", "ddd4"},
		{"linear", "ddd4", "", []string{"base"}, "ddd4 ccc3 bbb2 aaa1", ""},
		{"branches", "heads", "left@-1", nil, "ccc3", "bbb2 eee5"},
		{"branches", "heads", "left@bbb2", nil, "ccc3", "bbb2 eee5"},
		{"branches", "heads", "right@-1", nil, "eee5", "ccc3"}, // aaa1 is implied by the other branch
		{"branches", "heads", "left@aaa1", nil, "ccc3 bbb2", "eee5"},
		{"branches", "heads", "base", nil, "all", ""}, // base is all of them, and says so
		{"branches", "heads", "", []string{"bbb2"}, "ccc3 eee5", "bbb2"},
		{"branches", "heads", "", []string{"bbb2", "eee5"}, "ccc3", "bbb2 eee5"},
		{"merge", "heads", "ccc3", nil, "mmm6", "ccc3 eee5"},
		{"merge", "heads", "", []string{"ccc3", "eee5"}, "mmm6", "ccc3 eee5"},
	} {
		t.Run(tc.chain+" to "+tc.to+strings.Join(tc.heads, ","), func(t *testing.T) {
			w := worlds[tc.chain+tc.at]
			if w == nil {
				w = project(top, tc.chain).at(tc.at)
				worlds[tc.chain+tc.at] = w
			}
			with := map[string]any{"heads": tc.heads}
			if tc.to != "" {
				with = map[string]any{"to": tc.to}
			}
			s := w.step("alembic.downgrade", with).prepare()
			var st struct {
				Path   []struct{ Revision string }
				Target []string
			}
			s.decoded(&st)
			var path []string
			for _, r := range st.Path {
				path = append(path, r.Revision)
			}
			if tc.path == "all" { // the order of branches is alembic's own
				slices.Sort(path)
				path = map[bool][]string{true: {"all"}}[strings.Join(path, " ") == "aaa1 bbb2 ccc3 eee5"]
			}
			if strings.Join(path, " ") != tc.path || strings.Join(st.Target, " ") != tc.target {
				t.Errorf("path %v, target %v", st.Path, st.Target)
			}
		})
	}
}

// What was resolved is what is run; and once more is nothing, not one further.
func TestRunsWhatItResolved(t *testing.T) {
	for _, tc := range []struct{ chain, to, target string }{
		{"linear", "-2", "bbb2"}, {"branches", "left@-1", "bbb2 eee5"}, {"merge", "ccc3", "ccc3 eee5"}, {"branches", "base", "base"},
	} {
		t.Run(tc.chain+" to "+tc.to, func(t *testing.T) {
			w := project(t, tc.chain).at("heads")
			s := w.downgrade(tc.to).prepare()
			for range 2 {
				if out := s.done(); w.version() != tc.target || out["changed"] != true {
					t.Errorf("it is at %s: %v", w.version(), out)
				}
				s.wants(actions.Applied, "")
			}
		})
	}
}

func TestPreview(t *testing.T) {
	w := project(t, "linear").at("head")
	w.sql("insert into customers values (1, 'a', 'a@example'), (2, 'b', null)", "insert into orders select n, 1 from generate_series(1, 3) n")
	reader := w.open("shop-reader")
	if _, err := reader.Exec(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), "select * from orders"); err != nil {
		t.Fatal(err)
	}
	s := w.step("alembic.downgrade", map[string]any{"to": "aaa1", "accept_data_loss": true}).prepare()
	p := s.preview()
	if p.Label != actions.Exact || p.Summary != "downgrade ddd4 → aaa1" || p.Object != "database "+w.db+" at 127.0.0.1:"+port() {
		t.Errorf("%+v", p)
	}
	raw, err := json.Marshal(p.Changes)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"path":"version in public.alembic_version","before":["ddd4"],"after":["aaa1"]},` +
		`{"object":"table public.orders","path":"drops table","before":"holds data","after":null},` +
		`{"object":"column public.customers.email","path":"drops column","before":"holds data","after":null}]`
	if string(raw) != want {
		t.Errorf("%s", raw)
	}
	notes := strings.Join(p.Notes, "\n")
	for _, says := range []string{
		"1 of 3: ddd4 (index of orders), loses no data", "2 of 3: ccc3 (orders), loses data",
		"revision ccc3 drops table public.orders: 3 rows, ", "revision bbb2 drops column public.customers.email: 1 rows have a value in it",
		"all of it is one transaction", "(shop-reader, idle in transaction) holds AccessShareLock on orders for", "DROP TABLE orders;",
	} {
		if !strings.Contains(notes, says) {
			t.Errorf("it does not say %q:\n%s", says, notes)
		}
	}
	// One more row changes nothing of what was reviewed.
	w.sql("insert into orders values (4, 1)")
	again, err := json.Marshal(s.prepare().preview().Changes)
	if err != nil || string(again) != want {
		t.Errorf("%s %v", again, err)
	}
	if _, err := reader.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if out := s.done(); out["lost_rows"] != 5 || w.version() != "aaa1" || strings.Contains(w.tables(), "orders") {
		t.Errorf("%v at %s", out, w.version())
	}
}

// A project keeps its version where it likes, commits as it likes, and needs not
// be able to write SQL.
func TestKindsOfProjects(t *testing.T) {
	for name, tc := range map[string]struct {
		chain       string
		set         func(w *world)
		table       string
		transaction string
		label       actions.Label
	}{
		"own table": {"linear", func(w *world) {
			w.x["version_table"], w.x["version_table_schema"] = "Versions Of", "tenant"
			w.more["version_table"], w.more["version_schema"] = "Versions Of", "tenant"
			w.sql("create schema tenant authorization app")
		}, `tenant."Versions Of"`, "path", actions.Exact},
		"one transaction each": {"linear", func(w *world) { w.env["PER_REVISION"] = "1" }, "alembic_version", "revision", actions.Exact},
		"autocommit":           {"linear", func(w *world) { w.env["AUTOCOMMIT"] = "1" }, "alembic_version", "statement", actions.Exact},
		"without SQL":          {"linear", func(w *world) { w.env["NO_OFFLINE"], w.more["accept_data_loss"] = "1", true }, "alembic_version", "path", actions.Predicted},
		"needs data":           {"data", func(w *world) { w.more["accept_data_loss"] = true }, "alembic_version", "path", actions.Predicted},
		"autocommit block":     {"concurrent", func(*world) {}, "alembic_version", "path", actions.Exact},
		"a named database": {"linear", func(w *world) {
			w.c.Target.Databases["other"] = actions.DatabaseTarget{URL: server.URL("app", "postgres"), PasswordEnv: passwordEnv}
			w.more["database"] = "shop"
		}, "alembic_version", "path", actions.Exact},
	} {
		t.Run(name, func(t *testing.T) {
			w := project(t, tc.chain)
			tc.set(w)
			w.at("head")
			from := w.sql("select version_num from " + tc.table)
			s := w.step("alembic.downgrade", map[string]any{"to": "-1"}).prepare()
			var st struct{ Transaction string }
			s.decoded(&st)
			if p := s.preview(); p.Label != tc.label || st.Transaction != tc.transaction {
				t.Errorf("%s, commits by %s: %v", p.Label, st.Transaction, p.Notes)
			}
			out := s.done()
			at := w.sql("select version_num from " + tc.table)
			if at == from || fmt.Sprint(out["to"]) != "["+at+"]" {
				t.Errorf("%s → %s: %v", from, at, out)
			}
		})
	}
}

// What was empty when nobody accepted a loss must be empty when it is dropped:
// the driver looks again, behind the lock that the drop takes.
func TestEmptyStaysEmpty(t *testing.T) {
	w := project(t, "linear")
	w.write("versions/ccc3.py", strings.Replace(w.read("versions/ccc3.py"), "def downgrade():\n", "def downgrade():\n    if not op.get_context().as_sql:\n        raise AssertionError('it was run')\n", 1))
	// A row comes in between the last look of ours and the revision: the one
	// before it writes it.
	w.write("versions/ddd4.py", strings.Replace(w.read("versions/ddd4.py"), "def downgrade():\n", "def downgrade():\n    op.execute('insert into customers values (1)')\n    op.execute('insert into orders values (1, 1)')\n", 1))
	w.at("head")
	s := w.downgrade("bbb2").prepare()
	if _, err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(), "table public.orders was empty when the step was prepared and holds data now") {
		t.Errorf("%v", err)
	}
	if s.wants(actions.NotApplied, ""); w.version() != "ddd4" {
		t.Errorf("it is at %s", w.version())
	}
}

func TestUndo(t *testing.T) {
	w := project(t, "branches").at("heads")
	s := w.step("alembic.downgrade", map[string]any{"heads": []string{"base"}}).prepare()
	tables := w.tables()
	out := s.done()
	if d, err := s.a.Differs(t.Context(), s.c, s.in, s.state); err != nil || len(d) != 0 {
		t.Errorf("%v %v", d, err)
	}
	steps, err := s.a.Undo(s.in, s.state, out)
	if err != nil || len(steps) != 1 || steps[0].Uses != "alembic.upgrade" || steps[0].Name != "Upgrade the database back to ccc3, eee5" {
		t.Fatalf("%+v %v", steps, err)
	}
	back := w.step(steps[0].Uses, steps[0].With).prepare()
	if p := back.preview(); p.Summary != "upgrade base → ccc3, eee5" || p.Label != actions.Exact {
		t.Errorf("%+v", p)
	}
	out = back.done()
	if w.version() != "ccc3 eee5" || w.tables() != tables {
		t.Errorf("%s with %s", w.version(), w.tables())
	}
	if d, err := s.a.Differs(t.Context(), s.c, s.in, s.state); err != nil || len(d) != 1 || fmt.Sprint(d[0].After) != "[ccc3 eee5]" {
		t.Errorf("%v %v", d, err)
	}
	w.sql("insert into customers values (1, 'x')")
	steps, err = back.a.Undo(back.in, back.state, out)
	if err != nil || len(steps) != 1 || steps[0].Uses != "alembic.downgrade" {
		t.Fatalf("%+v %v", steps, err)
	}
	// It never accepts a loss by itself.
	if err := w.step(steps[0].Uses, steps[0].With).try(); actions.KindOf(err) != actions.KindRefused || !strings.Contains(err.Error(), "drops table public.customers: 1 rows") {
		t.Errorf("%v", err)
	}
	lossy := w.step("alembic.downgrade", map[string]any{"to": "base", "accept_data_loss": true}).prepare()
	out = lossy.done()
	if steps, err = lossy.a.Undo(lossy.in, lossy.state, out); err != nil || !strings.Contains(steps[0].Name, "the structure only; 1 rows or values that were lost do not come back") {
		t.Errorf("%+v %v", steps, err)
	}
}

func TestCurrent(t *testing.T) {
	w := project(t, "branches")
	s := w.step("alembic.current", nil)
	if out := s.done(); fmt.Sprint(out["heads"]) != "[]" || out["head"] != "" || out["known"] != true || out["behind"] != 4 || out["database"] != w.db || s.a.Told(out) != w.db+" is at base, 4 behind the code" {
		t.Errorf("%v", out)
	}
	if n := w.sql("select count(*) from pg_class where relname = 'alembic_version'"); n != "0" {
		t.Error("looking made a table")
	}
	w.at("left@bbb2")
	if out := s.done(); out["head"] != "bbb2" || out["behind"] != 2 || fmt.Sprint(out["code_heads"]) != "[ccc3 eee5]" || out["alembic"] == "" || out["table"] != "public.alembic_version" {
		t.Errorf("%v", out)
	}
	w.at("heads")
	w.remove("versions/eee5.py")
	if out := s.done(); fmt.Sprint(out["heads"]) != "[ccc3 eee5]" || out["head"] != "" || out["known"] != false || fmt.Sprint(out["unknown"]) != "[eee5]" || out["behind"] != nil {
		t.Errorf("%v", out)
	}
}
