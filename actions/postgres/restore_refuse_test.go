package postgres_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/postgres"
	"github.com/runbackhq/runback/internal/testpostgres"
)

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const endMark = "--\n-- PostgreSQL database dump complete"

// What is wrong with a dump is found before anything is touched, whatever the
// name of the file.
func TestDamagedDumps(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	custom, plain, tar, gz := read(t, dumped(t, db, "custom")), read(t, dumped(t, db, "plain")), read(t, dumped(t, db, "tar")), read(t, dumped(t, db, "gzip"))
	raw := read(t, dumped(t, db, "custom", "-Z0"))
	folder := dumped(t, db, "directory")
	flipped := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at] ^= 0xff; return b }
	with := func(text string) []byte { return bytes.Replace(plain, []byte(endMark), []byte(text+"\n"+endMark), 1) }
	newer := bytes.Clone(custom)
	newer[6] = 99 // minor version of the format
	for name, tc := range map[string]struct {
		file string
		text []byte
		says string
	}{
		"truncated archive":          {"", custom[:len(custom)-200], "cannot be read to its end"},
		"truncated header":           {"", custom[:40], "cannot be read to its end"},
		"truncated tar":              {"", tar[:len(tar)/2], "cannot be read to its end"},
		"tar without its end":        {"", tar[:len(tar)-1024], "its end marker is missing"},
		"truncated gzip":             {"", gz[:len(gz)-20], "cannot be read to its end"},
		"flipped bytes in gzip":      {"", flipped(gz, len(gz)/2), "cannot be read to its end"},
		"flipped bytes in archive":   {"", flipped(custom, bytes.LastIndex(custom, []byte{0x78, 0x9c})+9), "cannot be read to its end"},
		"truncated, not packed":      {"", raw[:len(raw)-100], "cannot be read to its end"},
		"archive of a newer pg_dump": {"", newer, "cannot be read to its end"},
		"empty":                      {"", nil, "is empty"},
		"binary":                     {"", []byte("\x7fELF\x00\x01"), "neither an archive"},
		"text":                       {"", []byte("hello"), "ends in the middle of a statement"},
		"other SQL":                  {"", []byte("create table a (x int);\n"), "does not end with the end marker"},
		"xz":                         {"", []byte("\xfd7zXZ\x00\x00"), "not known here"},
		"archive in gzip":            {gzipOf(t, custom), nil, "ends in the middle|end marker|makes no tables"},
		"plain without its end":      {"", plain[:bytes.Index(plain, []byte(endMark))], "does not end with the end marker"},
		"plain cut in its rows":      {"", plain[:bytes.Index(plain, []byte("500\tname"))], "ends in the middle of a statement"},
		"not there":                  {"/nowhere/x.dump", nil, "cannot be read"},
		"folder":                     {t.TempDir(), nil, "toc.dat"},
		"plain of --create":          {dumped(t, db, "plain", "-C"), nil, "acts outside of the database that it is restored into: CREATE DATABASE"},
		"connects elsewhere":         {"", with(`\connect postgres`), "must not run: \\connect postgres"},
		"runs a program":             {"", with(`\! touch /tmp/x`), "must not run: \\! touch"},
		"commits":                    {"", with("COMMIT;"), "does not fit into one transaction"},
		"definitions only":           {dumped(t, db, "custom", "-s"), nil, "no data, only definitions"},
		"data only":                  {dumped(t, db, "custom", "-a"), nil, "makes no tables"},
		"made by a newer pg_dump":    {"", bytes.Replace(plain, []byte("by pg_dump version 15"), []byte("by pg_dump version 99"), 1), "made by pg_dump 99"},
		"made on a newer server":     {"", bytes.Replace(plain, []byte("from database version 15"), []byte("from database version 99"), 1), "the dump is of PostgreSQL 99"},
		"missing extension":          {"", with("CREATE EXTENSION IF NOT EXISTS nothere;"), "does not have: nothere"},
		"missing role":               {"", with("ALTER TABLE public.a OWNER TO nobody_here;"), "does not have: nobody_here"},
		"missing grantee":            {"", with("GRANT SELECT ON TABLE public.a TO nobody_here;"), "does not have: nobody_here"},
		"role that we are not":       {"", with("ALTER TABLE public.a OWNER TO postgres;"), "cannot give objects to their owners: postgres"},
		"missing tablespace":         {"", with("SET default_tablespace = fast;"), "or that role app may not use: fast"},
		"unknown parameter":          {"", with("SET transaction_timeouts = 0;"), "does not know: transaction_timeouts"},
		"superuser needed":           {"", with("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();"), "may not make what the dump holds: event trigger"},
		"distrusted extension":       {"", with("CREATE EXTENSION IF NOT EXISTS pageinspect;"), "may not create the extensions of the dump: pageinspect"},
	} {
		t.Run(name, func(t *testing.T) {
			file := tc.file
			if file == "" {
				file = write(t, filepath.Join(t.TempDir(), "looks_fine.dump"), tc.text)
			}
			err := restoring(t, owner, db, file, nil).tryPrepare()
			if err == nil || !saysAny(err.Error(), tc.says) {
				t.Fatalf("got %v, want %s", err, tc.says)
			}
			if k := actions.KindOf(err); k != actions.KindRefused && k != actions.KindInvalid {
				t.Errorf("%s: %v", k, err)
			}
		})
	}
	if err := os.Remove(filepath.Join(folder, firstData(t, folder))); err != nil {
		t.Fatal(err)
	}
	refused(t, restoring(t, owner, db, folder, nil).tryPrepare(), actions.KindRefused, "cannot be read to its end")
}

func saysAny(s, want string) bool {
	for w := range strings.SplitSeq(want, "|") {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func gzipOf(t *testing.T, text []byte) string {
	t.Helper()
	return packed(t, write(t, filepath.Join(t.TempDir(), "x"), text))
}

func firstData(t *testing.T, folder string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.dat.gz"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	return filepath.Base(found[0])
}

// An error that shows only when it is restored ends aside: exit 3 of psql and
// exit 1 of pg_restore are failures, with whatever was ignored.
func TestErrorInTheMiddle(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	before := content(t, db)
	plain := read(t, dumped(t, db, "plain"))
	broken := bytes.Replace(plain, []byte("CREATE VIEW public.v"), []byte("SELECT nothere();\nCREATE VIEW public.v"), 1)
	// A function that the check of a row needs is not in the search path of a
	// restore: a dump that pg_dump made, and that cannot be restored.
	odd := database(t, owner, "set role app", "create function public.limit_of() returns int language sql as 'select 5'", "create function public.fits(i int) returns boolean language sql as 'select i < limit_of()'",
		"create table a (i int check (public.fits(i)))", "insert into a values (1)")
	for name, file := range map[string]string{
		"plain":   write(t, filepath.Join(t.TempDir(), "x.sql"), broken),
		"gzip":    gzipOf(t, broken),
		"archive": dumped(t, odd, "custom"),
	} {
		t.Run(name, func(t *testing.T) {
			w := restoring(t, owner, db, file, nil).prepare()
			_, err := w.run(t.Context())
			refused(t, err, actions.KindFailed, "nothere() does not exist|limit_of() does not exist")
			w.wants(actions.NotApplied)
			if got := content(t, db); got != before {
				t.Errorf("%s", got)
			}
			if n := sql(t, "postgres", "select count(*) from pg_database where datname = '"+w.receipt("aside")+"'"); n != "0" {
				t.Error("a half restored database was left")
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	file := dumped(t, db, "custom")
	try := func(role string, more map[string]any) error { return restoring(t, role, db, file, more).tryPrepare() }

	refused(t, try(owner, map[string]any{"accept_data_loss": ""}), actions.KindRefused, "would be lost (since ")
	refused(t, try(owner, map[string]any{"accept_data_loss": "soon"}), actions.KindInvalid, "soon")
	refused(t, try(owner, map[string]any{"verify": []string{"delete from a"}}), actions.KindInvalid, "does more than read")
	old := dumped(t, db, "plain")
	sql(t, "postgres", "select pg_sleep(2)")
	refused(t, restoring(t, owner, db, old, map[string]any{"accept_data_loss": "1s"}).tryPrepare(), actions.KindRefused, "at most 1s may be")

	wrong := restoring(t, owner, db, file, nil)
	d := wrong.c.Target.Databases["app"]
	d.System = "42"
	wrong.c.Target.Databases["app"] = d
	refused(t, wrong.tryPrepare(), actions.KindRefused, "not the server that was planned")

	sql(t, "postgres", "create role weak login password '"+strings.ReplaceAll(testpostgres.Password(), "'", "''")+"'", "create role maker login createdb password '"+strings.ReplaceAll(testpostgres.Password(), "'", "''")+"'")
	refused(t, try("weak", nil), actions.KindRefused, "may not create databases")
	refused(t, try("maker", nil), actions.KindRefused, "does not own database")

	sql(t, "postgres", "alter role postgres in database "+db+" set work_mem = '5MB'")
	refused(t, try(owner, nil), actions.KindRefused, "those of role postgres")
	sql(t, "postgres", "alter role postgres in database "+db+" reset all", "alter database "+db+" set log_min_duration_statement = 0")
	refused(t, try(owner, nil), actions.KindRefused, "log_min_duration_statement")
	sql(t, "postgres", "alter database "+db+" reset all")

	theirs := connect(t, testpostgres.Superuser, db, "monitoring")
	refused(t, try(owner, nil), actions.KindRefused, "may not end sessions in the database: postgres (monitoring)")
	_ = theirs.Close(t.Context())

	sql(t, db, "begin; lock table marker; prepare transaction 'stays'")
	refused(t, try(owner, nil), actions.KindRefused, "1 prepared transactions")
	sql(t, db, "rollback prepared 'stays'")

	target := restoring(t, owner, db, file, nil).c.Target.Databases["app"]
	super := target
	super.URL = server.URL(testpostgres.Superuser, db)
	refused(t, postgres.CheckRoom(t.Context(), super, 1<<60), actions.KindRefused, "the disk of the server has")
	if err := postgres.CheckRoom(t.Context(), super, 1); err != nil {
		t.Error(err)
	}
	if err := try(owner, nil); err != nil {
		t.Error(err)
	}
}

// The dump is another one by the time it is restored.
func TestDumpChangedAfterReview(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	file := dumped(t, db, "plain")
	w := restoring(t, owner, db, file, nil).prepare()
	write(t, file, bytes.Replace(read(t, file), []byte("the backup"), []byte("the attack"), 1))
	_, err := w.run(t.Context())
	refused(t, err, actions.KindConflict, "is not the one that was prepared")
	w.wants(actions.NotApplied)
}

func TestVerifyFails(t *testing.T) {
	db := database(t, owner)
	populate(t, db)
	before, file := content(t, db), dumped(t, db, "custom")
	w := restoring(t, owner, db, file, nil)
	for _, sql := range []string{"select count(*) = 7 from a", "select 1 where false", "select null", "select 0", "select nothere"} {
		// The same step again, as a retry is: what is whole is not restored anew.
		w.with(map[string]any{"bin": server.Bin, "file": file, "accept_data_loss": "1h", "verify": []string{"select true", sql}}).prepare()
		_, err := w.run(t.Context())
		refused(t, err, actions.KindFailed, "verify")
		w.wants(actions.NotApplied)
	}
	if got := content(t, db); got != before || len(w.childDirs()) != 1 {
		t.Errorf("%s, restored %d times", got, len(w.childDirs()))
	}
}
