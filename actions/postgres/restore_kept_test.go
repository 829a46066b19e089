package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// belongings is what belongs to the name and not to what is in it.
func belongings(t *testing.T, db string) string {
	t.Helper()
	return sql(t, "postgres", "select pg_get_userbyid(datdba), datconnlimit, datallowconn, (select array_agg(a order by a) from unnest(datacl::text[]) a), shobj_description(oid, 'pg_database') from pg_database where datname = '"+db+"'",
		"select coalesce(r.rolname, '-'), (select array_agg(c order by c) from unnest(s.setconfig) c) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole where d.datname = '"+db+"' order by 1")
}

func TestWhatBelongsToTheNameStays(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	sql(t, "postgres", "create role reader_"+db, "alter database "+db+" connection limit 33", "comment on database "+db+" is 'it''s \\ the shop'",
		"alter database "+db+" set search_path = \"$user\", public, \"Odd \"\"one\"", "alter database "+db+" set work_mem = '7MB'", "alter database "+db+" set \"shop.mode\" = 'a, b''c\\d'",
		"alter role app in database "+db+" set statement_timeout = '9s'", "revoke all on database "+db+" from public", "grant connect on database "+db+" to reader_"+db+" with grant option", "grant temp on database "+db+" to app")
	want := belongings(t, db)
	out := restoring(t, testpostgres.Superuser, db, dumped(t, db, "custom"), nil).prepare().must()
	if got := belongings(t, db); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// And back: what was changed meanwhile stays with the name, too.
	sql(t, "postgres", "alter database "+db+" set work_mem = '8MB'")
	want = belongings(t, db)
	step(t, "postgres.swap", testpostgres.Superuser, db, map[string]any{"with": out["kept"], "accept_data_loss": "1h"}).prepare().must()
	if got := belongings(t, db); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Undo: it asks again for what is lost, and gives back what was there.
func TestSwapBack(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	file := dumped(t, db, "custom")
	since(t, db)
	before := content(t, db)
	w := restoring(t, owner, db, file, nil).prepare()
	out := w.must()
	steps, err := w.a.Undo(w.in, w.state, out)
	if err != nil || len(steps) != 1 || steps[0].Uses != "postgres.swap" || steps[0].With["accept_data_loss"] != nil {
		t.Fatalf("%v %v", steps, err)
	}
	owes, _, err := w.a.Owes(w.in, w.state)
	if err != nil || len(owes) != 1 || owes[0].Key != "kept database "+out["kept"].(string) {
		t.Errorf("%v %v", owes, err)
	}
	back := step(t, "postgres.swap", owner, db, steps[0].With)
	refused(t, back.tryPrepare(), actions.KindRefused, "would be lost")
	steps[0].With["accept_data_loss"] = "1h"
	back.with(steps[0].With).prepare()
	back.wants(actions.NotApplied)
	if p := back.preview(); len(p.Changes) != 3 {
		t.Errorf("%+v", p)
	}
	if _, settles, err := back.a.Owes(back.in, back.state); err != nil || len(settles) != 1 || settles[0] != owes[0].Key {
		t.Errorf("%v %v", settles, err)
	}
	if v, _, err := w.probe(); v != actions.Applied {
		t.Errorf("%s %v", v, err)
	}
	again := back.must()
	back.wants(actions.Applied)
	if got := content(t, db); got != before {
		t.Errorf("%s", got)
	}
	if fmt.Sprint(back.must()) != fmt.Sprint(again) {
		t.Error("done again it gives something else")
	}
	refused(t, step(t, "postgres.swap", owner, db, map[string]any{"with": "postgres", "accept_data_loss": "all"}).tryPrepare(), actions.KindRefused, "is not one that a restore kept")
	refused(t, step(t, "postgres.swap", owner, db, map[string]any{"with": "nothere", "accept_data_loss": "all"}).tryPrepare(), actions.KindInvalid, "there is no database")

	kept := again["kept"].(string)
	dropping := func(with map[string]any) *world { return step(t, "postgres.drop_kept", owner, db, with) }
	refused(t, dropping(map[string]any{"name": kept}).tryPrepare(), actions.KindRefused, "not confirmed")
	refused(t, dropping(map[string]any{"name": db, "confirm": db}).tryPrepare(), actions.KindRefused, "is the one in use")
	refused(t, dropping(map[string]any{"name": "template1", "confirm": "template1"}).tryPrepare(), actions.KindRefused, "is not one that a restore kept")
	looks := connect(t, owner, kept, "forensics")
	refused(t, dropping(map[string]any{"name": kept, "confirm": kept}).tryPrepare(), actions.KindRefused, "app (forensics)")
	_ = looks.Close(t.Context())
	until(t, "they are gone", func() bool {
		return sql(t, "postgres", "select count(*) from pg_stat_activity where datname = '"+kept+"'") == "0"
	})
	d := dropping(map[string]any{"name": kept, "confirm": kept}).prepare()
	d.wants(actions.NotApplied)
	if out := d.must(); out["dropped"] != true {
		t.Errorf("%v", out)
	}
	d.wants(actions.Applied)
	if out := d.must(); out["dropped"] != false {
		t.Errorf("%v", out)
	}
}

// In no process list, folder or output is the password, and nothing of a plan
// is left behind.
func TestNoSecretAndNothingLeft(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	slow(t, db)
	w := restoring(t, owner, db, dumped(t, db, "gzip"), nil)
	w.c.Key = "plan/steps/restore"
	w.prepare()
	plan := w.preview()
	if found, err := os.ReadDir(w.top); err != nil || len(found) != 0 {
		t.Errorf("the plan left %v %v", found, err)
	}
	if n := sql(t, "postgres", "select count(*) from pg_database where datname like '"+db[:20]+"%'"); n != "1" {
		t.Errorf("the plan left %s databases", n)
	}
	first := w.state
	w.c.Key = "r-test0001/steps/restore"
	w.prepare()
	if a, b := withoutReceipts(t, first), withoutReceipts(t, w.state); a != b {
		t.Errorf("the plan prepared\n%s\nthe run\n%s", a, b)
	}
	if a, b := fmt.Sprint(plan.Object, plan.Changes), fmt.Sprint(w.preview().Object, w.preview().Changes); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	ended := make(chan error, 1)
	go func() { _, err := w.run(t.Context()); ended <- err }()
	until(t, "the index is built", func() bool { return sql(t, "postgres", loading) == "t" })
	processes, err := filepath.Glob("/proc/[0-9]*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		if base := filepath.Base(p); base == "environ" || base == "cmdline" {
			text, _ := os.ReadFile(p) // it may be gone, or another's
			if strings.Contains(string(text), testpostgres.Password()) && !ours(p) {
				t.Errorf("%s holds the password", p)
			}
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	err = filepath.Walk(w.children(), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && strings.Contains(string(read(t, path)), testpostgres.Password()) {
			t.Errorf("%s holds the password", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
