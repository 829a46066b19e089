// Package alembic moves the schema of a PostgreSQL database between the
// revisions of an alembic project, with the alembic that the project uses.
//
// alembic itself is driven by driver.py, which runs under a supervisor. What is
// true of the database is read over a session of our own, from the version
// table, and never from what alembic prints.
//
// The life of a move, and what makes it safe to be asked about after a crash:
//
//   - Prepare turns whatever form the target has (-1, branch@base, a prefix)
//     into the list of revisions that will be run, with the digest of each file
//     and the heads of the database after each. Only this list is ever run.
//   - Run hands the list over. The driver proves on every connection that env.py
//     leads to the database of the target, takes a lock on the server, and
//     compares the heads with those that were expected, before it begins.
//   - Probe looks at the child, then makes sure that no session of it is at work
//     any more (a server completes the statement of a client that was killed),
//     and only then reads the version table.
//
// Rows that lie in between are finished by the same list, from where they are,
// when each revision was committed as a whole; see judge.
package alembic

import (
	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
	"github.com/runbackhq/runback/internal/tool"
)

// family is what the actions share: where alembic runs.
type family struct {
	room tool.Room
	pods pod.Connector
}

// Actions lists the family. room is where child processes are recorded, pods the
// way to where alembic runs in a pod.
func Actions(room tool.Room, pods pod.Connector) []actions.Action {
	f := family{room, pods}
	return []actions.Action{f.currentAction(), f.moveAction(downgrade), f.moveAction(upgrade)}
}
