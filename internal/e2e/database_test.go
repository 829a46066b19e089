package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/runbackhq/runback/internal/testpostgres"
)

// databases is one server for all tests; it is started by the first one.
var databases struct {
	sync.Mutex
	server *testpostgres.Server
	made   atomic.Int64
}

const passwordEnv = "RUNBACK_TEST_PASSWORD"

func postgresServer(t *testing.T) *testpostgres.Server {
	t.Helper()
	databases.Lock()
	defer databases.Unlock()
	if databases.server == nil {
		s, err := testpostgres.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		databases.server = s
	}
	return databases.server
}

func stopDatabases() {
	if s := databases.server; s != nil {
		if err := s.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// database is one database of that server, gone after the test.
type database struct {
	t    *testing.T
	srv  *testpostgres.Server
	name string
}

// copyOf makes a database like another one; "" gives an empty one.
func copyOf(t *testing.T, like string) *database {
	t.Helper()
	d := &database{t, postgresServer(t), fmt.Sprintf("app_%d", databases.made.Add(1))}
	if like == "" {
		like = "template1"
	}
	d.admin(fmt.Sprintf("create database %s template %s owner %s", d.name, like, testpostgres.Owner))
	t.Cleanup(func() {
		_, _ = d.srv.SQL(context.Background(), "postgres", "drop database if exists "+d.name+" with (force)")
	})
	return d
}

// sql runs statements in the database and gives what they tell.
func (d *database) sql(statements ...string) string {
	d.t.Helper()
	out, err := d.srv.SQL(context.Background(), d.name, statements...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *database) admin(statements ...string) string {
	d.t.Helper()
	out, err := d.srv.SQL(context.Background(), "postgres", statements...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// endSessions ends whatever a run of runback does at the server right now.
func (d *database) endSessions() {
	_, _ = d.srv.SQL(context.Background(), "postgres",
		"select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'runback/%' and datname like '"+d.name+"%'")
}

// env is what a run needs to know the password.
func (d *database) env() []string { return []string{passwordEnv + "=" + testpostgres.Password()} }

func (d *database) url() string { return d.srv.URL(testpostgres.Owner, d.name) }

// playbook writes a playbook for a test.
func writePlaybook(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "playbook.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
