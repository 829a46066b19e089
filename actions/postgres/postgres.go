// Package postgres acts on the PostgreSQL databases of a target: it looks at
// them, ends sessions in them, and puts one back from a dump.
//
// A restore never writes into the database that is in use. It restores aside,
// verifies, and swaps the names in one transaction; the old database is kept.
// Which of its phases are done is read from the catalogue of the server, never
// from memory: databases are told apart by OID, ours by a marker.
package postgres

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/tool"
)

// family is what the actions share: where children are recorded, and what was
// read.
type family struct {
	room tool.Room
	sums *sums
}

// Actions lists the family.
func Actions(room tool.Room) []actions.Action {
	f := family{room, &sums{known: map[string]known{}}}
	return []actions.Action{
		readyAction(), queryAction(), locksAction(), terminateAction(), restoreAction(f), swapAction(), dropAction(), inPlaceAction(f),
	}
}

// which is the database that a step acts on.
type which struct {
	Database string `json:"database,omitempty" names:"databases" doc:"name of the database in the target of the playbook; may be left out when there is one"`
}

// open connects to the database of a step, proved to be the one that is meant.
func (w which) open(ctx context.Context, c *actions.Call) (*pg.Conn, error) {
	return w.openOther(ctx, c, "")
}

// openOther connects to another database of the same server.
func (w which) openOther(ctx context.Context, c *actions.Call, database string) (*pg.Conn, error) {
	t, err := c.Target.Database(w.Database)
	if err != nil {
		return nil, err
	}
	return pg.OpenOther(ctx, t, database, application(c))
}

// application names every session that this step opens itself. Those of a child
// process carry a name of their own.
func application(c *actions.Call) string { return pg.Application(c.Key, "") }

// withheld are the beginnings of the names of variables that no child gets: those
// of libpq, which would lead it elsewhere, and those that hold passwords.
func withheld(c *actions.Call) []string {
	out := []string{"PG"}
	for _, d := range c.Target.Databases {
		if d.PasswordEnv != "" {
			out = append(out, d.PasswordEnv)
		}
	}
	return out
}
