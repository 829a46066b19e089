// Package terraform plans and applies configurations of terraform and OpenTofu.
//
// An apply is the apply of one saved plan: Prepare makes it, its hash and what
// it would do are journaled, and nothing else is ever applied. The plan itself
// holds secrets in clear, so it is in one file of mode 0600 and nowhere else; a
// plan that only looks is kept in memory.
//
// The program runs as a supervised child that outlives this process. What it
// said of each resource (its -json output) is the account of a child that came
// to a bad end: what was begun, what is done, what nobody knows.
//
// The user's .terraform is read and never written: the workspace is chosen by
// TF_WORKSPACE, and what has to be initialised gets a data directory of ours.
package terraform

import (
	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// family is what the actions share: where children and saved plans are kept, and
// the programs that were found.
type family struct {
	room  tool.Room
	found *programs
}

// Actions lists the family.
func Actions(room tool.Room) []actions.Action {
	f := family{room, &programs{known: map[string]tool.Program{}}}
	return []actions.Action{f.planAction(), f.applyAction(), f.rollbackAction(), f.confirmAction()}
}
