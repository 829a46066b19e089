// Package finding says what is wrong. A diagnosis looks at many things; this is
// its last step, which turns what was seen into words and into the playbook that
// puts it right. It reads nothing itself.
//
// What could not be seen is named, never taken for well: a diagnosis that found
// nothing and could not see everything does not say that all is well.
package finding

import "github.com/runbackhq/runback/actions"

// Actions lists the family.
func Actions() []actions.Action { return []actions.Action{reportAction()} }
