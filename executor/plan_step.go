package executor

import (
	"context"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
)

// step looks or previews, and says what would come of it.
func (pl *planner) step(ctx context.Context, n *Node, s *Planned) error {
	spec := n.Action.Spec
	if spec.Effect != actions.Observe {
		s.Undo = "yes"
		if !spec.Undoes {
			s.Undo = spec.NoUndo
		}
	}
	tree, missing, err := resolve(withTree(n), n.values, pl.scope.root)
	switch {
	case err != nil:
		pl.refuse(s, err)
		return nil
	case len(missing) > 0:
		s.Preview = &actions.Preview{Label: actions.Opaque, Summary: "known after " + strings.Join(missing, ", ")}
		return nil
	}
	in, found := n.Action.Decode(tree)
	if err := found.Err(); err != nil {
		pl.refuse(s, actions.Invalid("", "%w", err))
		return nil
	}
	act := &actions.Call{Key: "plan/" + n.Path, Target: pl.target, Wait: pl.Clock.Wait, Say: func(line string) { pl.Watch.Say(n.Path, line) }}
	if spec.Effect == actions.Observe && !spec.Previews {
		return pl.look(ctx, n, s, act, in)
	}
	return pl.preview(ctx, n, s, act, in)
}

// look observes for real, unless earlier steps would have changed what is
// seen: then the present answer would mislead.
func (pl *planner) look(ctx context.Context, n *Node, s *Planned, act *actions.Call, in any) error {
	if len(pl.pending) > 0 || pl.maybe {
		s.Preview = &actions.Preview{Label: actions.Opaque, Summary: "looks after " + strings.Join(pl.pending, ", ")}
		return nil
	}
	state, err := n.Action.Prepare(ctx, act, in)
	if err == nil {
		s.Outputs, err = n.Action.Run(ctx, act, in, state)
	}
	if err != nil {
		return pl.trouble(ctx, n, s, err)
	}
	s.Told = n.Action.Told(s.Outputs)
	if n.Verify != nil {
		return nil // what is expected is asked once it came true
	}
	for _, e := range n.Expect {
		j, err := e.that.Eval(own(pl.scope.root, s.Outputs))
		s.Expect = append(s.Expect, j)
		if err != nil {
			pl.refuse(s, err)
			break
		}
		if j.Truth != guard.True {
			pl.refuse(s, &RefusedError{Message: e.message, Judgement: j})
			break
		}
	}
	return nil
}

func (pl *planner) preview(ctx context.Context, n *Node, s *Planned, act *actions.Call, in any) error {
	state, err := n.Action.Prepare(ctx, act, in)
	if err != nil {
		return pl.trouble(ctx, n, s, err)
	}
	p, err := n.Action.Preview(ctx, act, in, state)
	if err != nil {
		return pl.trouble(ctx, n, s, err)
	}
	if len(pl.pending) > 0 && n.Action.Spec.Effect != actions.Observe {
		p.Assumes = append(p.Assumes, "previewed on the world as it is, before "+strings.Join(pl.pending, ", "))
	}
	if s.Section != "rescue" {
		pl.project.chain(n.Step.ID, &p)
	}
	s.Preview, s.State = &p, state
	return nil
}

// trouble sorts an error: what refuses belongs into the plan, and so does an
// observation without which the run would go on; everything else means that
// there is no plan.
func (pl *planner) trouble(ctx context.Context, n *Node, s *Planned, err error) error {
	err = actions.Cause(ctx, err)
	switch {
	case refuses(err):
		pl.refuse(s, err)
	case ctx.Err() == nil && n.Step.OnFailure == "continue" && n.Action.Spec.Effect == actions.Observe:
		s.Outputs = nil
		s.Reason, s.Hint = "fails as things are now, and the run goes on without it: "+err.Error(), actions.HintOf(err)
	default:
		return err
	}
	return nil
}
