package postgres_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// populate gives a database content that a restore has to bring back.
func populate(t *testing.T, db string) {
	t.Helper()
	sql(t, db, "set role app", "create table a (id int primary key, name text)", "insert into a select i, 'name ' || i from generate_series(1, 1000) i",
		"create table b (id int references a, at timestamptz default now())", "insert into b select i from generate_series(1, 500) i",
		"create view v as select count(*) from b", "create sequence s", "select setval('s', 42)",
		"create function f() returns int language sql begin atomic select 1; select case when true then 2 end; end",
		"create function g() returns text language plpgsql as $x$ begin return 'it''s; -- no comment'; end $x$",
		"create table marker (what text)", "insert into marker values ('the backup')")
}

// since changes the database after the backup.
func since(t *testing.T, db string) {
	t.Helper()
	sql(t, db, "set role app", "delete from b where id > 10", "update marker set what = 'the live one'", "create table newer (id int references a)", "insert into a values (5000, 'newer')")
}

// dumped writes a backup in one of the formats.
func dumped(t *testing.T, db, format string, more ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup_pre_deployment.sql")
	how := map[string][]string{"custom": {"-Fc"}, "directory": {"-Fd"}, "tar": {"-Ft"}}[format]
	_, err := server.Program(t.Context(), "pg_dump", db, nil, append(append(how, "-f", file), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	switch format {
	case "gzip":
		return packed(t, file)
	case "zstd":
		if _, err := server.Program(t.Context(), "../../../../bin/zstd", db, nil, "-q", file); err != nil {
			t.Fatal(err)
		}
		return file + ".zst"
	}
	return file
}

func packed(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, file+".gz", b.Bytes())
	return file + ".gz"
}

func write(t *testing.T, file string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// content is all that the tests compare: rows, sequence, owners.
func content(t testing.TB, db string) string {
	t.Helper()
	return sql(t, db, "select what from marker", "select count(*), sum(id) from a", "select count(*) from b", "select * from v", "select last_value from s", "select f(), g()",
		"select string_agg(relname || ' ' || pg_get_userbyid(relowner), ',' order by relname) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S')")
}

func restoring(t *testing.T, role, db, file string, more map[string]any) *world {
	t.Helper()
	with := map[string]any{"bin": server.Bin, "file": file, "accept_data_loss": "1h", "verify": []string{"select count(*) = 1000 from a"}}
	for k, v := range more {
		with[k] = v
	}
	return step(t, "postgres.restore", role, db, with)
}

func TestRestoreEveryFormat(t *testing.T) {
	for format, role := range map[string]string{"custom": owner, "directory": testpostgres.Superuser, "tar": owner, "plain": testpostgres.Superuser, "gzip": owner, "zstd": owner} {
		{
			t.Run(format+" as "+role, func(t *testing.T) {
				db := database(t, owner)
				populate(t, db)
				want := content(t, db)
				file := dumped(t, db, format)
				since(t, db)
				changed := content(t, db)
				w := restoring(t, role, db, file, nil).prepare()
				w.wants(actions.NotApplied)
				p := w.preview()
				for _, lost := range []string{"content", "table public.newer", "open sessions"} {
					if !strings.Contains(fmt.Sprint(p.Changes), lost) {
						t.Errorf("the preview does not tell of %s: %v", lost, p.Changes)
					}
				}
				out := w.must()
				if got := content(t, db); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				kept := out["kept"].(string)
				if got := content(t, kept); got != changed {
					t.Errorf("kept is\n%s\nwant\n%s", got, changed)
				}
				if probed := w.wants(actions.Applied); fmt.Sprint(probed) != fmt.Sprint(out) || out["rows"] != 1501 || out["tables"] != 3 {
					t.Errorf("%v\n%v", probed, out)
				}
				// Done again it does nothing.
				if again := w.must(); fmt.Sprint(again) != fmt.Sprint(out) {
					t.Errorf("%v", again)
				}
			})
		}
	}
}

// Names that have to be quoted, wherever they stand.
func TestOddNames(t *testing.T) {
	db := `Odd "n'ame = \x`
	quoted := `"Odd ""n'ame = \x"`
	sql(t, "postgres", "create database "+quoted+" owner app")
	for _, format := range []string{"custom", "plain"} {
		if format == "custom" {
			populate(t, db)
		}
		file := dumped(t, db, format)
		want := content(t, db)
		w := restoring(t, owner, db, file, nil).prepare()
		out := w.must()
		w.wants(actions.Applied)
		if got := content(t, db); got != want {
			t.Errorf("%s", got)
		}
		kept, _ := out["kept"].(string)
		step(t, "postgres.drop_kept", owner, db, map[string]any{"name": kept, "confirm": kept}).prepare().must()
	}
}
