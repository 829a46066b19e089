// Package command runs programs of the machine: what no other family knows how
// to do.
//
// What a program does to the world is not known here, so nothing is promised
// but this: it is run at most once, its end is learnt even when this process
// dies, and when nobody can tell what it did, that is said.
package command

import (
	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// family is what the actions share: where children are recorded.
type family struct{ room tool.Room }

// Actions lists the family.
func Actions(room tool.Room) []actions.Action {
	f := family{room}
	return []actions.Action{f.runAction(), f.lookAction()}
}
