package postgres_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testpostgres"
)

func inPlace(t *testing.T, role, db, file string, more map[string]any) *world {
	t.Helper()
	with := map[string]any{"bin": server.Bin, "file": file, "accept_data_loss": "1h"}
	for k, v := range more {
		with[k] = v
	}
	return step(t, "postgres.restore_in_place", role, db, with)
}

// changedIn changes what the dump knows, and nothing that refers to it.
func changedIn(t *testing.T, db string) {
	t.Helper()
	sql(t, db, "set role app", "delete from b where id > 10", "update marker set what = 'the live one'", "insert into a values (5000, 'newer')", "create table newer (id int)")
}

func TestInPlace(t *testing.T) {
	for _, format := range []string{"custom", "plain", "gzip"} {
		t.Run(format, func(t *testing.T) {
			db := database(t, owner)
			populate(t, db)
			sql(t, "postgres", "comment on database "+db+" is 'the shop'")
			want := content(t, db)
			file := dumped(t, db, format, "--clean", "--if-exists")
			changedIn(t, db)
			w := inPlace(t, owner, db, file, nil).prepare()
			w.wants(actions.NotApplied)
			if p := w.preview(); !strings.Contains(fmt.Sprint(p.Notes), "public.newer") {
				t.Errorf("%+v", p)
			}
			out := w.must()
			if got := strings.ReplaceAll(content(t, db), "newer app,", ""); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			w.wants(actions.Applied)
			sql(t, db, "set role app", "update marker set what = 'written since'")
			if again := w.must(); fmt.Sprint(again) != fmt.Sprint(out) || sql(t, db, "select what from marker") != "written since" {
				t.Errorf("it was restored twice: %v", again)
			}
			if c := sql(t, "postgres", "select shobj_description(oid, 'pg_database') from pg_database where datname = '"+db+"'"); !strings.HasPrefix(c, "the shop\nrunback: restored in place by ") {
				t.Errorf("%s", c)
			}
		})
	}
}

// Killed or failing, nothing is changed: all is one transaction.
func TestInPlaceIsAllOrNothing(t *testing.T) {
	for _, format := range []string{"custom", "plain", "gzip"} {
		t.Run(format, func(t *testing.T) {
			db := database(t, owner)
			populate(t, db)
			slow(t, db)
			want := content(t, db)
			file := dumped(t, db, format, "--clean", "--if-exists")
			changedIn(t, db)
			before := content(t, db)
			w := inPlace(t, owner, db, file, nil).prepare()
			w.killed("the index is built", "select exists (select from pg_stat_activity where application_name like 'runback/%' and query ilike '%create index%' and state = 'active' and datname = '"+db+"')")
			w.wants(actions.InFlight)
			w.killChild()
			w.wants(actions.NotApplied)
			if got := content(t, db); got != before {
				t.Errorf("%s", got)
			}
			w.settles()
			if got := strings.ReplaceAll(content(t, db), "newer app,", ""); got != want {
				t.Errorf("%s", got)
			}
			w.wants(actions.Applied)
		})
	}
}

// What unpacks the dump dies: to psql that looks like the end of the file, and
// it must not commit what came so far.
func TestProducerDies(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	slow(t, db)
	file := dumped(t, db, "gzip", "--clean", "--if-exists")
	changedIn(t, db)
	before := content(t, db)
	// A gzip that ends well when it is looked at, and is killed when it is used.
	bin := t.TempDir()
	write(t, filepath.Join(bin, "gzip"), []byte("#!/bin/sh\nif [ -e "+bin+"/die ]; then "+gzipPath(t)+" \"$@\" | head -c 3000; kill -9 $$; fi\nexec "+gzipPath(t)+" \"$@\"\n"))
	if err := os.Chmod(filepath.Join(bin, "gzip"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for name, w := range map[string]*world{"in place": inPlace(t, owner, db, file, nil), "aside": restoring(t, owner, db, file, map[string]any{"verify": []string{"select true"}})} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.prepare()
			write(t, filepath.Join(bin, "die"), nil)
			defer func() { _ = os.Remove(filepath.Join(bin, "die")) }()
			if _, err := w.run(t.Context()); err == nil || actions.KindOf(err) != actions.KindFailed {
				t.Errorf("%v", err)
			}
			w.wants(actions.NotApplied)
			if got := content(t, db); got != before {
				t.Errorf("%s", got)
			}
		})
	}
}

func gzipPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("gzip")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInPlaceFails(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	custom := dumped(t, db, "custom")
	bare := read(t, dumped(t, db, "plain"))
	clean := read(t, dumped(t, db, "plain", "--clean", "--if-exists"))
	since(t, db) // newer refers to a, so that a cannot be dropped
	before := content(t, db)
	refused(t, inPlace(t, owner, db, write(t, filepath.Join(t.TempDir(), "x"), bare), nil).tryPrepare(), actions.KindRefused, "does not drop what it makes")
	broken := bytes.Replace(clean, []byte("CREATE VIEW public.v"), []byte("SELECT nothere();\nCREATE VIEW public.v"), 1)
	for name, tc := range map[string]struct{ file, says string }{
		"newer reference":     {custom, "cannot drop"},
		"error in the middle": {write(t, filepath.Join(t.TempDir(), "y"), broken), "cannot drop|nothere() does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			w := inPlace(t, owner, db, tc.file, nil).prepare()
			_, err := w.run(t.Context())
			refused(t, err, actions.KindFailed, tc.says)
			refused(t, err, actions.KindFailed, "nothing was changed")
			w.wants(actions.NotApplied)
			if got := content(t, db); got != before {
				t.Errorf("%s", got)
			}
		})
	}
	// Somebody holds a lock: it does not wait in the middle, nor let others wait.
	sql(t, db, "set role app", "drop table newer")
	before = content(t, db)
	holds := connect(t, testpostgres.Superuser, db, "reader")
	do(t, holds, "begin")
	do(t, holds, "lock table b in access share mode")
	w := inPlace(t, owner, db, custom, map[string]any{"lock_timeout": "300ms"}).prepare()
	_, err := w.run(t.Context())
	refused(t, err, actions.KindFailed, "lock timeout")
	do(t, holds, "rollback")
	if got := content(t, db); got != before {
		t.Errorf("%s", got)
	}
}
