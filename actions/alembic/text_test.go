package alembic

import (
	"fmt"
	"strings"
	"testing"
)

func TestHarms(t *testing.T) {
	for sql, want := range map[string]string{
		`DROP TABLE orders`: "drops table orders",
		`drop table if exists "Odd ""Name", tenant.b cascade`:                                        `drops table Odd "Name; drops table tenant.b`,
		`ALTER TABLE a DROP COLUMN b`:                                                                "touches table a; drops column a.b",
		`ALTER TABLE IF EXISTS ONLY t.a DROP IF EXISTS b CASCADE, ADD c int DEFAULT f(1, 2), DROP d`: "touches table t.a; drops column t.a.b; makes column t.a.c; drops column t.a.d",
		`ALTER TABLE a DROP CONSTRAINT b`:                                                            "touches table a",
		`ALTER TABLE a ADD CONSTRAINT b CHECK (drop > 1)`:                                            "touches table a",
		`ALTER TABLE a ALTER COLUMN b DROP NOT NULL`:                                                 "touches table a",
		`ALTER TABLE a ALTER COLUMN b TYPE VARCHAR(20)`:                                              "touches table a; converts column a.b to varchar",
		`ALTER TABLE a ALTER b SET DATA TYPE timestamp with time zone USING c::date`:                 "touches table a; converts column a.b to an expression",
		`ALTER TABLE a RENAME TO b`:                                                                  "touches table a; renames a",
		`TRUNCATE a, b`:                                                                              "deletes rows of a; deletes rows of b",
		`DELETE FROM a WHERE x = ';drop table b'`:                                                    "deletes rows of a",
		`UPDATE a SET b = 1`:                                                                         "changes rows of a",
		`INSERT INTO a VALUES (1) ON CONFLICT (x) DO UPDATE SET y = 1`:                               "changes rows of a",
		`INSERT INTO a VALUES ('drop table b')`:                                                      "",
		`CREATE TABLE IF NOT EXISTS a (b int)`:                                                       "makes table a",
		`CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)`:                                                "touches table a",
		`DROP INDEX CONCURRENTLY IF EXISTS i`:                                                        "touches table i",
		`DROP VIEW v CASCADE`:                                                                        "",
		`DROP TYPE mood`:                                                                             "",
		`DROP TYPE mood CASCADE`:                                                                     "cannot be judged",
		`DROP SCHEMA s CASCADE`:                                                                      "cannot be judged",
		`DO $$ BEGIN DROP TABLE a; END $$`:                                                           "cannot be judged",
		`WITH x AS (DELETE FROM a RETURNING *) SELECT 1`:                                             "cannot be judged",
		`CALL clean()`:                                               "cannot be judged",
		`SELECT E'it\'s'; DROP TABLE a`:                              "drops table a",
		`SELECT 'it''s -- no comment'; DROP TABLE a`:                 "drops table a",
		"/* drop table x; /* nested */ */ DROP -- table y\n TABLE a": "drops table a",
		`SELECT $q$ ; drop table x $q$; DROP TABLE a`:                "drops table a",
		`COMMENT ON TABLE a IS 'drop table a'`:                       "",
		`BEGIN; COMMIT;;`:                                            "",
		`DROP TABLE`:                                                 "cannot be judged",
		``:                                                           "",
	} {
		var got []string
		for _, st := range statements(sql) {
			for _, h := range harms(st) {
				said := string(h.kind)
				if h.table != (name{}) {
					said += " " + h.table.String()
				}
				if h.column != "" {
					said += "." + h.column
				}
				if h.to != "" {
					said += " to " + h.to
				}
				got = append(got, said)
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s\n got %s\nwant %s", sql, strings.Join(got, "; "), want)
		}
	}
}

func TestShebang(t *testing.T) {
	for _, tc := range []struct{ first, second, want string }{
		{"#!/usr/bin/python3", "", "/usr/bin/python3"},
		{"#! /srv/shop/.venv/bin/python -E", "", "/srv/shop/.venv/bin/python"},
		{"#!/usr/bin/env python3", "", "python3"},
		{"#!/usr/bin/env -S A=b python3 -E", "", "python3"},
		{"#!/bin/sh", `'''exec' /a/long/way/bin/python3 "$0" "$@"`, "/a/long/way/bin/python3"},
		{"#!/bin/sh", `'''exec' "/with a space/bin/python" "$0" "$@"`, "/with a space/bin/python"},
		{"#!/bin/sh", "exec something", ""},
		{"\x7fELF", "", ""},
		{"#!", "", ""},
		{"", "", ""},
	} {
		if got := shebang([2]string{tc.first, tc.second}); got != tc.want {
			t.Errorf("%q %q: %q, want %q", tc.first, tc.second, got, tc.want)
		}
	}
}

func FuzzStatements(f *testing.F) {
	for _, seed := range []string{"DROP TABLE a;", "select $$x$$", "E'\\'", `"a""b"`, "/* /* */", "alter table a drop b, add c (1", "'", "$a$", "--", "é ü; drop table é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for _, st := range statements(sql) {
			if len(st) == 0 {
				t.Error("a statement of nothing")
			}
			_ = harms(st)
		}
		// What stands behind a statement that is complete is seen.
		if all := statements(sql + "\n"); len(all) > 0 {
			if more := statements(fmt.Sprintf("%s;%s", "drop table zz", sql)); len(more) != len(all)+1 || harms(more[0])[0].kind != dropsTable {
				t.Errorf("%q hides what stands before it", sql)
			}
		}
	})
}

func FuzzShebang(f *testing.F) {
	f.Add("#!/usr/bin/env python3", "")
	f.Add("#!/bin/sh", "'''exec' \"a b\" \"$0\"")
	f.Fuzz(func(_ *testing.T, a, b string) { _ = shebang([2]string{a, b}) })
}
