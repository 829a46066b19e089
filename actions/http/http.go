// Package httpcheck asks applications over HTTP how they are, as their users
// would.
//
// Each request opens a connection of its own: a connection that is kept alive
// stays with the pod it once led to, and would go on praising the old version
// long after the traffic was switched.
package httpcheck

import "github.com/runbackhq/runback/actions"

// Actions lists the family.
func Actions() []actions.Action { return []actions.Action{checkAction()} }
