package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/runbackhq/runback/internal/testpostgres"
)

// migrations is the project that the downgrade goes back in: four revisions,
// each of which takes a while to take back.
func migrations(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata/migrations")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var migrated struct {
	sync.Mutex
	name string
}

// migratedDatabase is a copy of a database at the newest revision.
func migratedDatabase(t *testing.T) *database {
	t.Helper()
	srv := postgresServer(t)
	migrated.Lock()
	defer migrated.Unlock()
	if migrated.name == "" {
		const name = "migrated"
		if _, err := srv.SQL(context.Background(), "postgres", "create database "+name+" owner "+testpostgres.Owner); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("alembic", "upgrade", "head")
		cmd.Dir = migrations(t)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+strings.Replace(srv.URL(testpostgres.Owner, name), "postgres:", "postgresql:", 1), "PGPASSWORD="+testpostgres.Password(), "PYTHONDONTWRITEBYTECODE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		migrated.name = name
	}
	return copyOf(t, migrated.name)
}

const downgradePlaybook = `apiVersion: runback/v1
kind: Playbook
metadata: {name: back-three, version: 1.0.0}
spec:
  budget: 3m
  target:
    databases:
      app: {url: %q, password_env: %s}
  steps:
    - id: before
      uses: alembic.current
      with: {dir: %q, url_env: DATABASE_URL}
    - id: back
      uses: alembic.downgrade
      with: {dir: %q, url_env: DATABASE_URL, to: "-3", accept_data_loss: true}
      retry: {attempts: 4, delay: 200ms}
    - id: after
      uses: alembic.current
      with: {dir: %q, url_env: DATABASE_URL}
      expect: outputs.head == "a1accounts"
`

// schemaOf tells the version of a database and what there is in it, so that a
// version which does not fit its tables shows.
const schemaOf = `select coalesce((select string_agg(version_num, ',') from alembic_version), 'base') || ' ' ||
	(select string_agg(table_name || '.' || column_name, ' ' order by table_name, column_name) from information_schema.columns where table_schema = 'public') || ' ' ||
	(select count(*) from pg_indexes where indexname = 'accounts_email') || ' ' || (select count(*) from accounts)`

// TestDowngradeDisturbed takes three revisions back while the executor, its
// supervisor, alembic and the sessions of the server die, at every event of the
// journal and in between.
func TestDowngradeDisturbed(t *testing.T) {
	disturbances(t, "downgrade", func(t *testing.T) *scene {
		db, dir := migratedDatabase(t), migrations(t)
		look := func() string { return db.sql(schemaOf) }
		whole := map[string]bool{
			look(): true,
			"a1accounts accounts.id accounts.name alembic_version.version_num 0 500": true,
		}
		return &scene{
			args: []string{writePlaybook(t, fmt.Sprintf(downgradePlaybook, db.url(), passwordEnv, dir, dir, dir))},
			env:  append(db.env(), "PYTHONDONTWRITEBYTECODE=1"), look: look, backend: db.endSessions,
			safe: func() error {
				if s := look(); !whole[s] {
					return fmt.Errorf("the path is one transaction, and there is %s", s)
				}
				return nil
			},
		}
	})
}
