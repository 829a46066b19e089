package executor

import (
	"context"
	"encoding/json"
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
	tree, missing, err := resolve(withTree(n), n.values, pl.scope.view(n.Path, n.reads))
	switch {
	case err != nil:
		pl.refuse(s, err)
		return nil
	case len(missing) > 0:
		s.Preview = &actions.Preview{Label: actions.Opaque, Summary: "known after " + strings.Join(missing, ", ")}
		return nil
	}
	in, found := n.Action.Decode(revealed(tree, pl.secrets))
	if err := found.Err(); err != nil {
		pl.refuse(s, actions.Invalid("", "%w", err))
		return nil
	}
	act := &actions.Call{Key: "plan/" + n.Path, Target: pl.target, Wait: pl.Clock.Wait, Say: func(line string) { pl.Watch.Say(n.Path, pl.secrets.Hide(line)) }}
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
		j, err := e.that.Eval(own(pl.scope.view(n.Path, e.that.Reads()), s.Outputs))
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

// hidden gives a planned step as it may be shown.
func (pl *planner) hidden(s Planned) Planned {
	if pl.secrets.Empty() {
		return s
	}
	raw, err := json.Marshal(s)
	if err == nil {
		raw, err = pl.secrets.HideJSON(raw)
	}
	var out Planned
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return Planned{Path: s.Path, ID: s.ID, Section: s.Section, Decision: WouldStop, Reason: "it cannot be shown: " + pl.secrets.Hide(err.Error())}
	}
	if s.Outputs != nil {
		out.Outputs = numbersAgain(raw)
	}
	return out
}

// numbersAgain reads the outputs with whole numbers as int, as expressions see
// them.
func numbersAgain(raw []byte) actions.Outputs {
	all, err := actions.DecodeOutputs(raw)
	if err != nil {
		return nil
	}
	out, _ := all["outputs"].(map[string]any)
	return out
}
