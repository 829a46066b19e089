// Package time has the actions that let time pass. It has no clock: the run
// that waits gives it one.
package time

import "github.com/runbackhq/runback/actions"

// Actions lists the family.
func Actions() []actions.Action { return []actions.Action{sleepAction()} }
