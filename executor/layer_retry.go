package executor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// retried runs attempts. A refusal or an input that cannot work does not get
// better by repeating, and a doubtful effect must never be repeated.
func (s *session) retried(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		if !c.pending {
			c.attempt = nextAttempt(s.known(c.node))
		}
		for {
			out := next(ctx, c)
			rule := c.node.Step.Retry
			if rule == nil || c.attempt >= rule.Attempts || !retryable(out) || ctx.Err() != nil {
				return out
			}
			if err := s.record(ctx, journal.StepFailed, c.node.Path, journal.Failed{
				Attempt: c.attempt, Status: out.status, Effect: out.effect, Message: errText(out.err), Hint: actions.HintOf(out.err),
			}); err != nil {
				return outcome{status: journal.FailedRun, err: err, step: c.node.Path}
			}
			pause := backoff(rule, c.attempt)
			c.act.Say(fmt.Sprintf("attempt %d of %d did not succeed, next in %s", c.attempt, rule.Attempts, pause))
			if err := s.Clock.Wait(ctx, pause); err != nil {
				return failed(errors.Join(err, out.err), c.node.Path)
			}
			c.attempt, c.intent, c.pending = c.attempt+1, nil, false
		}
	}
}

// nextAttempt goes on counting where an earlier executor stopped: a resume
// gives no attempts back.
func nextAttempt(st *journal.StepState) int {
	switch {
	case st == nil || st.Attempt == 0:
		return 1
	case st.Failure != nil:
		return st.Attempt + 1
	default:
		return st.Attempt // it was cancelled
	}
}

// retryable says whether another attempt may help and do no harm. What took
// effect is not done again: "the revision before" is another one by then.
func retryable(o outcome) bool {
	if o.effect != actions.Unknown && o.effect != actions.NotApplied {
		return false
	}
	return o.status == journal.FailedRun && !isNotDurable(o.err)
}

func backoff(r *schema.Retry, attempt int) time.Duration {
	d := float64(r.Delay.Std()) * math.Pow(r.Backoff, float64(attempt-1))
	return time.Duration(min(d, float64(r.MaxDelay.Std())))
}
