package executor

import (
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// maxTurns bounds a foreach: what is done a thousand times by one step of a
// runbook is not what its author meant.
const maxTurns = 1000

// Turns says whether the node is a foreach: what it holds is done once for each
// element.
func (n *Node) Turns() bool { return !n.Step.Foreach.IsZero() && n.Body.turns }

// items gives the elements of a foreach. That they are not known refuses the
// step, as with every input.
func (n *Node) items(scope map[string]any) ([]any, error) {
	items, missing, err := n.list(scope)
	if err == nil && len(missing) > 0 {
		err = actions.Refuse("", "the elements of %s are not known: %s", owner(n), strings.Join(missing, ", "))
	}
	return items, err
}

func (n *Node) list(scope map[string]any) (items []any, missing []string, err error) {
	tree, missing, err := resolve(n.Step.Foreach, n.values, scope)
	if err != nil || len(missing) > 0 {
		return nil, missing, err
	}
	switch {
	case tree.Kind != schema.List:
		return nil, nil, actions.Invalid("", "foreach of %s is %s, not a list", owner(n), tree.Kind)
	case len(tree.Items) > maxTurns:
		return nil, nil, actions.Invalid("", "foreach of %s has %d elements, more than the limit of %d", owner(n), len(tree.Items), maxTurns)
	}
	items, ok := tree.Plain().([]any)
	if !ok {
		return nil, nil, fmt.Errorf("foreach of %s gave %T", owner(n), tree.Plain())
	}
	return items, nil, nil
}
