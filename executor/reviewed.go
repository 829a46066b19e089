package executor

import (
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// Reviewed gives what a run of this plan is held to: of every step that would or
// might run and whose effect was known, the fields and what they become. What
// rescue does depends on what failed, so it cannot be known.
func (p *Plan) Reviewed() map[string][]actions.FieldChange {
	out := map[string][]actions.FieldChange{}
	for _, s := range p.Steps {
		if s.Decision != WillRun && s.Decision != Later || s.Section == "rescue" || s.Effect == actions.Observe.String() || s.Preview == nil || s.Preview.Label == actions.Opaque {
			continue
		}
		changes := []actions.FieldChange{}
		for _, c := range s.Preview.Changes {
			if c.Object == "" {
				c.Object = s.Preview.Object
			}
			changes = append(changes, c)
		}
		out[s.Path] = changes
	}
	return out
}

// asReviewed refuses an effect that was not reviewed. Less than was reviewed is
// fine: somebody may have done it meanwhile.
func asReviewed(r *journal.Reviewed, path string, p actions.Preview) error {
	if r == nil {
		return nil
	}
	reviewed, bound := r.Steps[path]
	if !bound {
		return nil
	}
	for _, c := range p.Changes {
		if c.Object == "" {
			c.Object = p.Object
		}
		i := slices.IndexFunc(reviewed, func(x actions.FieldChange) bool { return x.Object == c.Object && x.Path == c.Path })
		switch {
		case i < 0:
			return actions.Refuse(planAgain, "it would change %s of %s, which was not reviewed", c.Path, c.Object)
		case jsonWord(reviewed[i].Before) != jsonWord(c.Before):
			return actions.Refuse(planAgain, "%s of %s is %s, reviewed was %s", c.Path, c.Object, jsonWord(c.Before), jsonWord(reviewed[i].Before))
		case jsonWord(reviewed[i].After) != jsonWord(c.After):
			return actions.Refuse(planAgain, "it would set %s of %s to %s, reviewed was %s", c.Path, c.Object, jsonWord(c.After), jsonWord(reviewed[i].After))
		}
	}
	return nil
}

const planAgain = "the world moved on since the review; make a new plan"
