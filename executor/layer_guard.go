package executor

import (
	"context"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
)

// guarded asks the guard of a step. A step whose effect was announced already
// is past its guard.
func (s *session) guarded(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		if !c.pending {
			if out, stop := s.judge(ctx, c.node); stop {
				return out
			}
		}
		return next(ctx, c)
	}
}

// judge evaluates a guard. False skips; unknown refuses, because no data is
// never a yes.
func (s *session) judge(ctx context.Context, n *Node) (outcome, bool) {
	if n.When == nil {
		return outcome{}, false
	}
	j, err := n.When.Eval(s.values(n, n.When.Reads()))
	switch {
	case err != nil:
		return outcome{status: journal.Refused, err: err, step: n.Path}, true
	case j.Truth == guard.True:
		return outcome{}, false
	case j.Truth == guard.False:
		if err := s.note(ctx, journal.StepSkipped, n.Path, journal.Skipped{Guard: j}); err != nil {
			return outcome{status: journal.FailedRun, err: err, step: n.Path}, true
		}
		return outcome{status: journal.Skip, step: n.Path, recorded: true}, true
	default:
		return outcome{status: journal.Refused, step: n.Path, err: &RefusedError{
			Message: "the guard of " + owner(n) + " cannot be decided", Judgement: j,
		}}, true
	}
}
