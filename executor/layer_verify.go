package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
)

// verified checks the expectations on the outputs, and waits until the
// verification came true and held for its window.
func (s *session) verified(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		out := next(ctx, c)
		if out.status != journal.Succeeded {
			return out
		}
		if c.node.Verify != nil {
			out = s.stable(ctx, c, out)
		}
		if out.status != journal.Succeeded {
			return out
		}
		for _, e := range c.node.Expect {
			if err := s.expect(c.node, e, out.outputs); err != nil {
				return s.unverified(c, out, err)
			}
		}
		return out
	}
}

func (s *session) expect(n *Node, e expectation, out actions.Outputs) error {
	j, err := e.that.Eval(own(s.values(n, e.that.Reads()), out))
	if err != nil {
		return err
	}
	if j.Truth != guard.True {
		return &RefusedError{Message: e.message, Judgement: j}
	}
	return nil
}

// stable looks again and again. One look that is not true starts the window
// anew: a flapping value never holds.
func (s *session) stable(ctx context.Context, c *call, out outcome) outcome {
	v := c.node.Verify
	within := v.rule.Within.Std()
	bounded, cancel := context.WithTimeoutCause(ctx, within, &SpentError{Owner: "the verification of " + owner(c.node), Allowed: within, Step: true})
	defer cancel()
	var since time.Time
	for {
		j, err := v.until.Eval(own(s.values(c.node, v.until.Reads()), out.outputs))
		if err != nil {
			return s.unverified(c, out, err)
		}
		now, wait := s.Clock.Now(), v.rule.Every.Std()
		switch {
		case j.Truth != guard.True:
			since = time.Time{}
			c.act.Say("not yet: " + j.String())
		case since.IsZero():
			since = now
		}
		if !since.IsZero() {
			held := now.Sub(since)
			if held >= v.rule.For.Std() {
				out.verified = &j
				return out
			}
			c.act.Say(fmt.Sprintf("holds for %s of %s", held.Round(time.Second), v.rule.For))
			wait = min(wait, v.rule.For.Std()-held) // the last look is at the end of the window
		}
		if err := s.Clock.Wait(bounded, wait); err != nil {
			return s.unverified(c, out, fmt.Errorf("%w: %s", err, j))
		}
		fresh, err := s.look(bounded, c)
		if err != nil {
			return s.unverified(c, out, actions.Cause(bounded, err))
		}
		out.outputs = fresh
	}
}

// unverified fails the step but remembers that its effect took place.
func (s *session) unverified(c *call, out outcome, err error) outcome {
	o := failed(err, c.node.Path)
	o.outputs = out.outputs
	if c.node.Action.Spec.Effect != actions.Observe {
		o.effect = actions.Applied
	}
	return o
}

// look observes again: an observation is repeated, a change is asked whether
// it holds. A look that gets no answer is no evidence either way.
func (s *session) look(ctx context.Context, c *call) (actions.Outputs, error) {
	if c.node.Action.Spec.Effect == actions.Observe {
		out, err := c.node.Action.Run(ctx, c.act, c.in, c.intent.State)
		if actions.KindOf(err) == actions.KindUnreachable {
			c.act.Say("no answer: " + err.Error())
			return actions.Outputs{}, nil
		}
		return out, err
	}
	verdict, out, err := c.node.Action.Probe(ctx, c.act, c.in, c.intent.State)
	switch {
	case actions.KindOf(err) == actions.KindUnreachable:
		c.act.Say("no answer: " + err.Error())
		return actions.Outputs{}, nil
	case err != nil:
		return nil, err
	case verdict == actions.Foreign || verdict == actions.NotApplied:
		return nil, fmt.Errorf("somebody else changed it back or away (%s)", verdict)
	default:
		return out, nil
	}
}
