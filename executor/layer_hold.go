package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// Bounds of the pauses while a system does not answer. They are short because
// a budget is minutes, and long enough not to add load to what is struggling.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
)

// held waits while the target does not answer: that is not a failed step. It
// ends when the system answers or the time of the step, block or playbook is
// spent. A change that was announced is asked for before it is tried again.
func (s *session) held(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		pause := firstPause
		for {
			out := next(ctx, c)
			if actions.KindOf(out.err) != actions.KindUnreachable || out.final() || isNotDurable(out.err) || ctx.Err() != nil {
				return out
			}
			if err := s.hold(ctx, c, out.err, &pause); err != nil {
				return failed(err, c.node.Path)
			}
		}
	}
}

// hold tells that the run waits, the first time also in the journal, and
// waits a little longer each time.
func (s *session) hold(ctx context.Context, c *call, why error, pause *time.Duration) error {
	if *pause == firstPause {
		if err := s.record(ctx, journal.StepHeld, c.node.Path, journal.Held{Message: why.Error()}); err != nil {
			return err
		}
	}
	left := s.state.Started.Deadline.Sub(s.Clock.Now()).Round(time.Second)
	c.act.Say(fmt.Sprintf("no answer, holding (%s of the budget left): %v", left, why))
	switch {
	case s.stopping():
		return errStopped
	case !c.pending && s.aborting(ctx):
		return errAborted // what was announced is asked of the world first
	}
	if err := s.Clock.Wait(ctx, *pause); err != nil {
		return errors.Join(err, why)
	}
	*pause = min(*pause*2, lastPause)
	return nil
}
