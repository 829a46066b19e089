package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/runbackhq/runback/internal/testpostgres"
)

// shopRows is enough for a restore to take a while: rows, an index, a constraint.
const shopRows = 120_000

var shop struct {
	sync.Mutex
	name, archive string
}

// shopDatabase is a database as it is after a bad release, and the archive that
// was made before it.
func shopDatabase(t *testing.T) (db *database, archive string) {
	t.Helper()
	srv := postgresServer(t)
	shop.Lock()
	defer shop.Unlock()
	if shop.name == "" {
		const name = "shop"
		ctx := context.Background()
		for _, in := range []struct{ database, sql string }{
			{"postgres", "create database " + name + " owner " + testpostgres.Owner},
			{name, fmt.Sprintf("set role app; create schema shop; create table shop.items (id int, name text, price numeric); insert into shop.items select n, 'item ' || n, n %% 100 from generate_series(1, %d) n", shopRows)},
			{name, "set role app; alter table shop.items add primary key (id); create index items_name on shop.items (name); create index items_price on shop.items (price)"},
		} {
			if _, err := srv.SQL(ctx, in.database, in.sql); err != nil {
				t.Fatal(err)
			}
		}
		shop.archive = filepath.Join(srv.Dir, "backup_pre_deployment.dump")
		if _, err := srv.Program(ctx, "pg_dump", name, nil, "-Fc", "-f", shop.archive); err != nil {
			t.Fatal(err)
		}
		// What the bad release did: half of the prices are gone.
		if _, err := srv.SQL(ctx, name, "update shop.items set price = null where id % 2 = 0", "create table shop.broken (id int)"); err != nil {
			t.Fatal(err)
		}
		shop.name = name
	}
	return copyOf(t, shop.name), shop.archive
}

const restorePlaybook = `apiVersion: runback/v1
kind: Playbook
metadata: {name: back-to-backup, version: 1.0.0}
spec:
  budget: 5m
  target:
    databases:
      app: {url: %q, password_env: %s}
  steps:
    - id: restore
      uses: postgres.restore
      with: {file: %q, accept_data_loss: all, jobs: 1}
      retry: {attempts: 4, delay: 200ms}
    - id: after
      uses: postgres.query
      with: {sql: "select count(*) from shop.items where price is not null"}
      expect: outputs.value == %d
`

const shopOf = `select (select count(*) from shop.items) || ' items, ' || (select count(*) from shop.items where price is null) || ' without a price, ' ||
	(select count(*) from pg_tables where tablename = 'broken') || ' broken, ' || (select count(*) from pg_indexes where schemaname = 'shop') || ' indexes'`

// TestRestoreDisturbed restores a backup while the executor, its supervisor,
// pg_restore and the sessions of the server die. Under the live name there is
// the old database or the whole new one, whenever somebody looks.
func TestRestoreDisturbed(t *testing.T) {
	disturbances(t, "restore", func(t *testing.T) *scene {
		db, archive := shopDatabase(t)
		live := func() string {
			out, err := db.srv.SQL(context.Background(), db.name, shopOf)
			if err != nil {
				out = err.Error()
			}
			return out
		}
		whole := map[string]bool{
			live(): true,
			fmt.Sprintf("%d items, 0 without a price, 0 broken, 3 indexes", shopRows): true,
		}
		t.Cleanup(func() {
			for _, name := range strings.Fields(db.admin("select datname from pg_database where datname like '" + db.name + "\\_%'")) {
				db.admin("drop database if exists " + name + " with (force)")
			}
		})
		return &scene{
			args: []string{writePlaybook(t, fmt.Sprintf(restorePlaybook, db.url(), passwordEnv, archive, shopRows))},
			env:  db.env(), backend: db.endSessions,
			look: func() string {
				// How many databases there are besides, whatever their names: one that is kept.
				return live() + ", " + db.admin("select count(*) from pg_database where datname like '"+db.name+"\\_%'") + " beside it"
			},
			safe: func() error {
				if s := live(); !whole[s] && !strings.Contains(s, "not currently accepting connections") {
					return fmt.Errorf("under the live name there is %s", s)
				}
				return nil
			},
		}
	})
}
