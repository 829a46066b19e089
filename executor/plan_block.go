package executor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

func (pl *planner) block(ctx context.Context, n *Node, s *Planned) error {
	body := n.Body
	if s.Decision == WillRun || s.Decision == Later {
		body = pl.open(n, s)
	}
	pl.add(n, *s)
	if s.Decision == WillSkip || s.Decision == NoReach || s.Decision == WouldStop {
		return nil
	}
	was := pl.maybe
	pl.maybe = pl.maybe || s.Decision == Later
	err := pl.body(ctx, body, s.Section, s.Depth+1)
	pl.maybe = was
	if n.Call != nil && err == nil {
		pl.give(n)
	}
	return err
}

// open finds out what a block will do: how often it turns, what another
// playbook is given.
func (pl *planner) open(n *Node, s *Planned) Body {
	scope := pl.scope.view(n.Path, n.reads)
	switch {
	case n.Turns():
		items, missing, err := n.list(scope)
		if err != nil {
			pl.refuse(s, err)
			return Body{}
		}
		if len(missing) > 0 {
			s.Decision, s.Reason = Later, "its elements are known after "+strings.Join(missing, ", ")
			return n.Body
		}
		return pl.turns(n, s, items)
	case n.Call != nil:
		inputs, err := n.Call.inputs(n, scope)
		if err == nil {
			pl.scope.bind(n.Path+callMark, "inputs", scopeInputs(inputs))
			return n.Body
		}
		if len(pl.pending) == 0 && !pl.maybe {
			pl.refuse(s, err)
			return n.Body
		}
		s.Decision, s.Reason = Later, err.Error()
	}
	return n.Body
}

func (pl *planner) turns(n *Node, s *Planned, items []any) Body {
	body := Body{AtOnce: n.Body.AtOnce}
	for i, item := range items {
		turn := n.turn(turnNo(i))
		turn.Step.Name = fmt.Sprintf("%s: %s", n.Step.Label(), word(item))
		pl.scope.bind(turn.Path, "item", item)
		body.Steps = append(body.Steps, turn)
	}
	if len(items) == 0 {
		s.Reason = "there is nothing to do it for"
	}
	return body
}

// give makes known what another playbook gives, as far as it is known now.
func (pl *planner) give(n *Node) {
	given := map[string]any{}
	for name, v := range n.Call.Program.outputs {
		value, missing, err := v.Eval(pl.scope.view(n.Path+callMark+"/", v.Reads()))
		if err == nil && len(missing) == 0 {
			given[name] = plain(value)
		}
	}
	pl.scope.put(n.Path, map[string]any{"outputs": given})
}

// abreast plans steps side by side: none of them waits for another one, and no
// two of them may write the same field.
func (pl *planner) abreast(ctx context.Context, nodes []*Node, section string, depth int) error {
	before := pl.pending
	var after []string
	mine := writers{}
	for _, n := range nodes {
		first := len(pl.plan.Steps)
		pl.pending = slices.Clip(before)
		if err := pl.nodes(ctx, []*Node{n}, section, depth); err != nil {
			return err
		}
		after = append(after, pl.pending[len(before):]...)
		for i := range pl.plan.Steps[first:] {
			pl.note(&pl.plan.Steps[first+i], mine, n)
		}
	}
	pl.pending = append(slices.Clip(before), after...)
	return nil
}

// writers says which of the steps side by side writes a field.
type writers map[string]*Node

func (pl *planner) note(s *Planned, mine writers, n *Node) {
	if s.Preview == nil {
		return
	}
	for _, c := range s.Preview.Changes {
		field := fieldName(*s.Preview, c)
		if other := mine[field]; other != nil && other != n {
			// Whatever the world will be like: which of them is last is chance.
			s.Decision, s.Reason, s.Hint = WouldStop, fmt.Sprintf("it writes %s side by side with %s", field, owner(other)), "do them one after the other"
			pl.plan.Refused = cmp.Or(pl.plan.Refused, s.Path)
			return
		}
		mine[field] = n
	}
}
