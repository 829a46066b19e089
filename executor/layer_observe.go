package executor

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// observed is the outermost layer: it writes how the step came out.
func (s *session) observed(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		out := next(ctx, c)
		if out.recorded || isNotDurable(out.err) {
			return out
		}
		out.step = c.node.Path
		var err error
		if out.status == journal.Succeeded {
			write := s.record
			if c.node.Action.Spec.Effect == actions.Observe {
				write = s.note // what was seen is seen again
			}
			err = write(ctx, journal.StepDone, c.node.Path, journal.Done{Attempt: c.attempt, Outputs: out.outputs, Verified: out.verified})
		} else {
			err = s.record(ctx, journal.StepFailed, c.node.Path, journal.Failed{
				Attempt: c.attempt, Status: out.status, Final: true, Effect: out.effect,
				Message: errText(out.err), Hint: actions.HintOf(out.err),
			})
		}
		if err != nil {
			return outcome{status: journal.FailedRun, err: err, step: c.node.Path}
		}
		return out
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
