// Package command runs programs of the machine: what no other family knows how
// to do.
//
// What a program does to the world is not known here, so nothing is promised
// but this: it is run at most once, its end is learnt even when this process
// dies, and when nobody can tell how it ended, that is said.
package command

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
)

// family is where the children are kept. It is asked for when a command runs,
// so that the catalogue can be read where there is no such place.
type family struct {
	base func() (string, error)
}

// Actions lists the family. base gives the folder for what is recorded of child
// processes; it must be the same for a run and its resume.
func Actions(base func() (string, error)) []actions.Action {
	f := family{base}
	return []actions.Action{f.runAction(), f.lookAction()}
}

// attend waits for the end of a child. When the caller's time is over, the
// child is stopped first: a step that ended and whose command still runs would
// act on what follows.
func attend(ctx context.Context, c *actions.Call, child *supervise.Child, l supervise.Limits) (supervise.State, supervise.Outcome, error) {
	eyes := supervise.Eyes{Wait: c.Wait, Say: c.Say}
	st, o, err := child.Wait(ctx, eyes)
	if err == nil || st != supervise.Running {
		return st, o, err
	}
	if c.Say != nil {
		c.Say("stopping the command")
	}
	return child.Stop(context.WithoutCancel(ctx), l, eyes)
}

// latest gives the directory of the last child of an attempt, and that of the
// one after it. There is more than one only when a child was lost and it turned
// out that it did not take effect.
func latest(base, name string) (dir, next string) {
	at := func(n int) string {
		if n == 1 {
			return filepath.Join(base, name)
		}
		return filepath.Join(base, name+"."+strconv.Itoa(n))
	}
	n := 1
	for exists(at(n + 1)) {
		n++
	}
	return at(n), at(n + 1)
}
