package alembic_test

import (
	"os"
	"strconv"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/testpostgres"
)

func port() string { return strconv.Itoa(server.Port) }

func pythonPassword() string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(testpostgres.Password())
}

func (w *world) remove(name string) { w.must(os.Remove(w.file(name))) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(w.file(name))
	w.must(err)
	return string(b)
}

// fakePython is one that never heard of alembic.
func (w *world) fakePython() string {
	path := w.file("python")
	w.must(os.WriteFile(path, []byte("#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n"), 0o700))
	return path
}

// otherMigration holds the lock that a driver holds while it migrates.
func (w *world) otherMigration() {
	w.t.Helper()
	conn := w.open("runback/r-other/1234")
	_, err := conn.Exec(w.t.Context(), "select pg_advisory_lock($1, $2)", int32(0x72620002), lockKey("public.alembic_version"))
	w.must(err)
}

func (w *world) open(name string) *pg.Conn {
	w.t.Helper()
	conn, err := pg.Open(w.t.Context(), actions.DatabaseTarget{URL: server.URL(testpostgres.Owner, w.db), PasswordEnv: passwordEnv}, name)
	w.must(err)
	w.t.Cleanup(conn.Close)
	return conn
}

func lockKey(table string) int32 {
	h := uint32(2166136261) // FNV-1a
	for i := range len(table) {
		h = (h ^ uint32(table[i])) * 16777619
	}
	return int32(h)
}
