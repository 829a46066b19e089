package executor

import (
	"context"

	"github.com/runbackhq/runback/internal/journal"
)

// budgeted opens the step and holds it to its timeout. The deadline is
// absolute and journaled, so that a resume does not extend it.
func (s *session) budgeted(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		st := s.known(c.node)
		timeout := c.node.Step.Timeout.Std()
		if st == nil || st.Start.IsZero() {
			var began journal.Began
			if timeout > 0 {
				began.Deadline = s.Clock.Now().Add(timeout)
			}
			if err := s.note(ctx, journal.StepStart, c.node.Path, began); err != nil {
				return outcome{status: journal.FailedRun, err: err, step: c.node.Path}
			}
			st = s.known(c.node)
		}
		if st.Deadline.IsZero() {
			return next(ctx, c)
		}
		bounded, cancel := s.within(ctx, st.Deadline, &SpentError{Owner: owner(c.node), Allowed: timeout, Step: true})
		defer cancel()
		return next(bounded, c)
	}
}
