package actionstest

import (
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

func checkExamples(t *testing.T, a actions.Action) {
	t.Helper()
	if len(a.Spec.Examples) == 0 {
		t.Error("no example")
	}
	for _, e := range a.Spec.Examples {
		if e.Title == "" {
			t.Error("example has no title")
		}
		tree, found := schema.Parse(e.Title, []byte(e.YAML))
		if len(found) > 0 {
			t.Errorf("example %q: %v", e.Title, found)
			continue
		}
		var step schema.Step
		if found := schema.Decode(tree, &step); len(found) > 0 {
			t.Errorf("example %q is not a step: %v", e.Title, found)
		}
		if step.Uses != a.Spec.Name {
			t.Errorf("example %q uses %q", e.Title, step.Uses)
		}
		if _, found := a.Decode(inputs(step.With)); len(found) > 0 && !hasTemplate(step.With) {
			t.Errorf("example %q: %v", e.Title, found)
		}
	}
}

// inputs gives the inputs of a step; none written are no inputs.
func inputs(with schema.Tree) schema.Tree {
	if with.Kind == schema.Null {
		return schema.Tree{Pos: with.Pos, Kind: schema.Map}
	}
	return with
}

// hasTemplate says whether the inputs are known only when the step runs.
func hasTemplate(with schema.Tree) bool {
	found := false
	with.Walk(func(t schema.Tree) { found = found || t.Kind == schema.Template })
	return found
}
