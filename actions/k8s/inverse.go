package k8s

import (
	"slices"

	"github.com/runbackhq/runback/actions"
)

// inverse gives the step that puts back what was there, field by field, and
// only where the fields still hold what we wrote. Its paths are those of one
// version of the kind.
func (w write) inverse(name string) []actions.Step {
	tests := []any{step(operation{"test", "/metadata/uid", w.UID})}
	for _, g := range w.Guards {
		if !w.edited(g.Path) { // what was written is tested for what was written
			tests = append(tests, step(operation{"test", g.Path.pointer(), g.Value}))
		}
	}
	var back []any
	for _, e := range slices.Backward(w.Edits) {
		if same(e.Before, e.After) {
			continue
		}
		tests = append(tests, step(operation{"test", e.Path.pointer(), e.After}))
		switch {
		case e.Before == nil:
			back = append(back, step(operation{Op: "remove", Path: e.Path.pointer()}))
		case e.After == nil:
			back = append(back, step(operation{"add", e.Path.pointer(), e.Before}))
		default:
			back = append(back, step(operation{"replace", e.Path.pointer(), e.Before}))
		}
	}
	if len(back) == 0 {
		return nil
	}
	return []actions.Step{{Name: name, Uses: "k8s.patch", With: map[string]any{
		"kind": w.Kind.versioned(), "name": w.Name, "json": append(tests, back...),
	}}}
}

// edited says whether an edit wrote a field, a part of it, or all around it.
func (w write) edited(p path) bool {
	return slices.ContainsFunc(w.Edits, func(e edit) bool {
		n := min(len(e.Path), len(p))
		return slices.Equal(e.Path[:n], p[:n])
	})
}

// full names the kind so that it cannot be mistaken for one of another group.
func (k kind) full() string {
	if k.Group == "" || k.Group == "apps" {
		return k.Name
	}
	return k.Resource + "." + k.Group
}

func step(o operation) map[string]any {
	m := map[string]any{"op": o.Op, "path": o.Path}
	if o.Op != "remove" {
		m["value"] = o.Value
	}
	return m
}
