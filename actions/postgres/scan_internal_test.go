package postgres

import (
	"fmt"
	"strings"
	"testing"
)

func scanned(text string, chunk int) (statements, metas []string, rows int, whole bool) {
	s := &scanner{prev: '\n', statement: func(h string) { statements = append(statements, h) }, meta: func(l string) { metas = append(metas, l) }, row: func() { rows++ }}
	for len(text) > 0 {
		n := min(chunk, len(text))
		_, _ = s.Write([]byte(text[:n]))
		text = text[n:]
	}
	return statements, metas, rows, s.end()
}

func TestScanner(t *testing.T) {
	for name, tc := range map[string]struct {
		text       string
		statements []string
		metas      []string
		rows       int
		cut        bool
	}{
		"two":                     {"select 1;\n  select\n\t2 ;", []string{"select 1", "select 2"}, nil, 0, false},
		"not ended":               {"select 1; select 2", []string{"select 1"}, nil, 0, true},
		"comments":                {"-- a; b\nselect /* ; /* ; */ ; */ 1 -- x\n;\n-- end", []string{"select 1"}, nil, 0, false},
		"open comment":            {"/* select 1;", nil, nil, 0, true},
		"quotes":                  {`select 'it''s; --', "a;""b", 'back\';`, []string{`select 'it''s; --', "a;""b", 'back\'`}, nil, 0, false},
		"open quote":              {"select ';", nil, nil, 0, true},
		"escapes":                 {`select E'it\';s' ; select e'\\'; x;`, []string{`select E'it\';s'`, `select e'\\'`, "x"}, nil, 0, false},
		"a type is no escape":     {`select type'\'; select 1;`, []string{`select type'\'`, "select 1"}, nil, 0, false},
		"legacy":                  {`SET standard_conforming_strings = off; select '\'; x';`, []string{"SET standard_conforming_strings = off", `select '\'; x'`}, nil, 0, false},
		"dollars":                 {"do $$ a; $b$ $ ; $$; select $1, $x$ $$ ; $x$;", []string{"do $$", "select $1, $x$"}, nil, 0, false},
		"dollar in a name":        {"select a$b; select 1$;", []string{"select a$b", "select 1$"}, nil, 0, false},
		"open dollar":             {"do $$ a;", nil, nil, 0, true},
		"atomic":                  {"create function f() begin atomic select 1; select case when a then b end; end; select 2;", []string{"create function f() begin atomic select 1; select case when a then b end; end", "select 2"}, nil, 0, false},
		"begin elsewhere":         {"begin; select 1; end;", []string{"begin", "select 1", "end"}, nil, 0, false},
		"copy":                    {"COPY public.a (x) FROM stdin;\n1;'\n\\N\n\\.\nselect 1;", []string{"COPY public.a (x) FROM stdin", "select 1"}, nil, 2, false},
		"copy cut":                {"COPY a FROM stdin;\n1\n", []string{"COPY a FROM stdin"}, nil, 1, true},
		"copy with carriage":      {"COPY a FROM stdin;\r\n1\r\n\\.\r\nx;", []string{"COPY a FROM stdin", "x"}, nil, 1, false},
		"copy to":                 {"copy a to stdout; x;", []string{"copy a to stdout", "x"}, nil, 0, false},
		"a longer line in copy":   {"COPY a FROM stdin;\n\\.x\n\\.\n", []string{"COPY a FROM stdin"}, nil, 1, false},
		"commands":                {"\\connect app_db\nselect 1 \\gexec\n;\\restrict x", []string{"select 1"}, []string{`\connect app_db`, `\gexec`, `\restrict x`}, 0, false},
		"commands are not quoted": {"select '\\connect';\n", []string{`select '\connect'`}, nil, 0, false},
		"minus and slash":         {"select 1 - -1 / 2;", []string{"select 1 - -1 / 2"}, nil, 0, false},
	} {
		for _, chunk := range []int{1, 3, 1 << 20} {
			statements, metas, rows, whole := scanned(tc.text, chunk)
			if fmt.Sprintf("%q", statements) != fmt.Sprintf("%q", tc.statements) || fmt.Sprint(metas) != fmt.Sprint(tc.metas) || rows != tc.rows || whole == tc.cut {
				t.Errorf("%s in chunks of %d: %q %q %d rows, whole %v", name, chunk, statements, metas, rows, whole)
			}
		}
	}
}

// FuzzScanner: however the file is cut into chunks, the same is found, and it
// takes no more memory than a head.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{"", "select 1;", "COPY a FROM stdin;\n1\n\\.\n", "do $x$ ; $x$;", "/* /* */ */ -- \n'", `E'\''`, "create function f begin atomic ; end;", "\\x\n", "$", "$a", `"`, "--"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, chunk int) {
		chunk = max(1, min(chunk, 100))
		a, am, ar, aw := scanned(text, chunk)
		b, bm, br, bw := scanned(text, len(text)+1)
		if fmt.Sprintf("%q%q%d%v", a, am, ar, aw) != fmt.Sprintf("%q%q%d%v", b, bm, br, bw) {
			t.Errorf("%q %q %d %v\n%q %q %d %v", a, am, ar, aw, b, bm, br, bw)
		}
		for _, s := range a {
			if len(s) > mostHead {
				t.Errorf("a head of %d bytes", len(s))
			}
		}
	})
}

func factsOf(text string) *facts {
	f := newFacts()
	s := f.scanner()
	_, _ = s.Write([]byte(text))
	s.end()
	return f
}

func TestFacts(t *testing.T) {
	f := factsOf(`-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 17.2
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
SET default_tablespace = '';
SET default_tablespace = fast;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
CREATE TABLE public."Odd ""name" (x int);
CREATE UNLOGGED TABLE shop.b (x int);
ALTER TABLE shop.b OWNER TO "Shop Owner";
CREATE MATERIALIZED VIEW shop.m AS SELECT 1;
CREATE SCHEMA shop;
COPY shop.b (x) FROM stdin;
1
2
\.
INSERT INTO public."Odd ""name" VALUES (1);
GRANT SELECT ON TABLE shop.b TO reader, "The Writer" WITH GRANT OPTION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();
CREATE USER MAPPING FOR app SERVER s;
--
-- PostgreSQL database dump complete
--

\unrestrict abc
`)
	got := fmt.Sprint(sorted(f.Objects), f.Tables, sorted(f.Roles), sorted(f.Grantees), sorted(f.Extensions), sorted(f.Spaces), sorted(f.Settings), sorted(f.Superuser), f.Outside, f.Control, f.Commands, f.Versions, f.Complete, f.Restrict)
	want := `[materialized view shop.m schema shop table public.Odd "name table shop.b] map[public.Odd "name:1 shop.b:2] [Shop Owner] [The Writer reader] [uuid-ossp] [fast] [default_tablespace search_path statement_timeout] [event trigger] [] [] [] map[database:15.20 pg_dump:17.2] true true`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for text, bad := range map[string]func(*facts) int{
		"CREATE DATABASE x;":                                   func(f *facts) int { return len(f.Outside) },
		"drop database app_db;":                                func(f *facts) int { return len(f.Outside) },
		"comment on database app_db is 'x';":                   func(f *facts) int { return len(f.Outside) },
		"REVOKE CONNECT, TEMPORARY ON DATABASE x FROM PUBLIC;": func(f *facts) int { return len(f.Outside) },
		"create role x;":                                       func(f *facts) int { return len(f.Outside) },
		"alter system set x = 1;":                              func(f *facts) int { return len(f.Outside) },
		"-- PostgreSQL database cluster dump\n":                func(f *facts) int { return len(f.Outside) },
		"\\connect x\n":                                        func(f *facts) int { return len(f.Commands) },
		"\\! rm -rf\n":                                         func(f *facts) int { return len(f.Commands) },
		"COMMIT;":                                              func(f *facts) int { return len(f.Control) },
		"create index concurrently x on y (z);":                func(f *facts) int { return len(f.Control) },
	} {
		if bad(factsOf(text)) != 1 {
			t.Errorf("%q is not noticed", text)
		}
	}
	if f := factsOf("-- PostgreSQL database dump complete\nselect 1;"); f.Complete {
		t.Error("something follows, and it is taken for complete")
	}
}

func FuzzSplitName(f *testing.F) {
	for _, seed := range []string{"", "a", "a.b", `"a.b".c`, `"a""b"`, `"`, `"a`, ".", "a."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := len(strings.Join(splitName(s), ".")); n > 4*len(s)+8 { // folding to lower case may take more bytes
			t.Errorf("%d bytes of %d", n, len(s))
		}
		splitList(s)
	})
}

func FuzzKeptComment(f *testing.F) {
	for _, seed := range []string{"", keptMark + "k since 2026-01-01T00:00:00Z, it was x\nold", keptMark, keptMark + " since x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, _, ok := keptSince(s); ok && !strings.HasPrefix(s, keptMark) {
			t.Errorf("%q is taken for ours", s)
		}
	})
}

func TestForestOfACircle(t *testing.T) {
	f := newForest([]seen{{pid: 3, blockedBy: []int{2}}, {pid: 2, blockedBy: []int{3}}, {pid: 5, blockedBy: []int{3}}, {pid: 9}})
	if r := f.roots(); len(r) != 1 || r[0].pid != 2 || f.behind(2) != 2 || len(f.lines(10)) != 4 || len(f.lines(2)) != 2 {
		t.Errorf("%v %v", r, f.lines(10))
	}
}

func TestNames(t *testing.T) {
	a, b := besides("app_db", "rb", "r-k3x8qzab/steps/restore"), besides("app_db", "rb", "r-k3x8qzab/steps/again")
	if a == b || a != besides("app_db", "rb", "r-k3x8qzab/steps/restore") || !strings.HasPrefix(a, "app_db_rb_k3x8qzab_") {
		t.Error(a, b)
	}
	long := besides(strings.Repeat("é", 40), "was", "r-k3x8qzab/steps/restore")
	if len(long) > mostName || !strings.HasSuffix(long, long[len(long)-8:]) || strings.ToValidUTF8(long, "?") != long || long == besides(strings.Repeat("é", 41), "was", "r-k3x8qzab/steps/restore") {
		t.Error(long)
	}
}
