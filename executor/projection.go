package executor

import (
	"encoding/json"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

// projection is the world as the steps so far would leave it, field by field.
// A dry run is made against the world as it is, so without it a plan would say
// of "resume" after "pause" that there is nothing to do.
type projection map[string]projected

type projected struct {
	value any
	step  string // that leaves it so
}

// chain corrects a preview by what earlier steps would have done, and adds
// what it does itself.
func (pr projection) chain(step string, p *actions.Preview) {
	for _, set := range p.Sets {
		if earlier, ok := pr[p.Object+" "+set.Path]; ok {
			correct(p, set, earlier)
		}
	}
	pr.held(p)
	for _, c := range p.Changes {
		object := c.Object
		if object == "" {
			object = p.Object
		}
		pr[object+" "+c.Path] = projected{c.After, step}
		pr[object] = projected{step: step}
	}
}

// held makes a note of an adversary that an earlier step changes: most often
// that step holds it, and what it will do then cannot be seen in the world as
// it is.
func (pr projection) held(p *actions.Preview) {
	kept := p.Adversaries[:0:0]
	for _, a := range p.Adversaries {
		earlier, ok := pr[a.Object]
		if !ok {
			kept = append(kept, a)
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("%s %s writes these fields too; step %s changes it before", a.Controller, a.Object, earlier.step))
	}
	p.Adversaries = kept
}

func correct(p *actions.Preview, set actions.FieldValue, earlier projected) {
	kept := p.Changes[:0:0]
	for _, c := range p.Changes {
		if c.Path != set.Path || c.Object != "" {
			kept = append(kept, c)
		}
	}
	if !equal(earlier.value, set.Value) {
		kept = append(kept, actions.FieldChange{Path: set.Path, Before: earlier.value, After: set.Value})
		if len(p.Changes) == 0 {
			p.Summary = fmt.Sprintf("%s %s → %s", set.Path, word(earlier.value), word(set.Value))
		}
		p.Label = actions.Predicted
		p.Assumes = append(p.Assumes, fmt.Sprintf("step %s sets %s", earlier.step, set.Path))
	}
	p.Changes = kept
}

func word(v any) string {
	if v == nil {
		return "(absent)"
	}
	return fmt.Sprint(v)
}

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
