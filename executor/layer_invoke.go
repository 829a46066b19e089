package executor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// invoke is the innermost layer: it lets the action act. A change is announced
// before and recorded after; what was announced and not recorded is asked of
// the world before anything else.
func (s *session) invoke(ctx context.Context, c *call) outcome {
	if c.node.Action.Spec.Effect == actions.Observe {
		out, err := c.node.Action.Run(ctx, c.act, c.in, c.intent.State)
		if err != nil {
			return failed(s.stopCause(ctx, err), c.node.Path)
		}
		return outcome{status: journal.Succeeded, outputs: out}
	}
	if c.pending {
		if st := s.known(c.node); st.Acted {
			return outcome{status: journal.Succeeded, outputs: st.Outputs}
		}
		return s.settle(ctx, c, nil)
	}
	if err := s.record(ctx, journal.StepIntent, c.node.Path, c.intent); err != nil {
		return outcome{status: journal.FailedRun, err: err, step: c.node.Path}
	}
	c.pending = true
	return s.act(ctx, c)
}

// act runs the change and finds out what became of it.
func (s *session) act(ctx context.Context, c *call) outcome {
	if err := s.lease.Check(ctx); err != nil {
		o := failed(s.stopCause(ctx, err), c.node.Path) // nothing was written
		o.effect = actions.NotApplied
		return o
	}
	out, err := c.node.Action.Run(ctx, c.act, c.in, c.intent.State)
	if err == nil {
		return s.acted(ctx, c, out)
	}
	switch actions.KindOf(err) {
	case actions.KindRefused, actions.KindConflict, actions.KindInvalid:
		o := failed(err, c.node.Path) // nothing was written
		o.effect = actions.NotApplied
		return o
	case actions.KindEnded:
		return ended(err, c.node.Path)
	default:
		return s.settle(ctx, c, s.stopCause(ctx, err))
	}
}

// ended is the outcome of an effect that is over and came out badly: known, but
// not what it left behind.
func ended(err error, path string) outcome {
	o := failed(err, path)
	o.effect = actions.Partial
	return o
}

func (s *session) acted(ctx context.Context, c *call, out actions.Outputs) outcome {
	if err := s.record(ctx, journal.StepActed, c.node.Path, journal.Acted{Attempt: c.attempt, Outputs: out}); err != nil {
		return outcome{status: journal.FailedRun, err: err, step: c.node.Path}
	}
	return outcome{status: journal.Succeeded, outputs: out}
}

// settle asks the world what became of an announced effect whose result is not
// known: after a crash (cause is nil), or after an error that may have come
// after the write landed.
func (s *session) settle(ctx context.Context, c *call, cause error) outcome {
	lost := cause == nil || actions.KindOf(cause) == actions.KindUnreachable
	verdict, out, err := s.probe(ctx, c, lost)
	if isNotDurable(err) {
		return outcome{status: journal.FailedRun, err: err, step: c.node.Path}
	}
	if actions.KindOf(err) == actions.KindEnded {
		return ended(err, c.node.Path)
	}
	if err != nil {
		cause = errors.Join(cause, err)
	}
	switch {
	case verdict == actions.Applied && lost:
		return s.acted(ctx, c, out)
	case verdict == actions.NotApplied && cause == nil && ctx.Err() == nil:
		return s.act(ctx, c) // the same prepared form, so it can win only once
	case stopped(cause) || ctx.Err() != nil && stopped(context.Cause(ctx)): // also while the question was waited for
		return outcome{status: journal.Cancelled, err: because(ctx, cause), effect: verdict}
	case atWork(verdict, err):
		return outcome{status: journal.InDoubt, err: &DoubtError{Step: c.node.Step.ID, Verdict: verdict, Err: because(ctx, cause)}, effect: verdict}
	case verdict == actions.NotApplied || verdict == actions.InFlight || verdict == actions.Applied:
		o := failed(orSpent(ctx, cause), c.node.Path)
		o.effect = verdict
		return o
	default:
		return outcome{status: journal.InDoubt, err: &DoubtError{Step: c.node.Step.ID, Verdict: verdict, Err: cause}, effect: verdict}
	}
}

// atWork says whether something of the step acts by itself and has not ended, so
// that nothing may follow it.
func atWork(v actions.Verdict, err error) bool {
	return v == actions.InFlight && actions.KindOf(err) == actions.KindAtWork
}

// probe asks until the world answers something other than "still at work", as
// long as there is time and the caller wants to know.
func (s *session) probe(ctx context.Context, c *call, wait bool) (actions.Verdict, actions.Outputs, error) {
	if c.node.Action.Probe == nil {
		return actions.Unknown, nil, errors.New("the action cannot say whether it took effect")
	}
	pause := firstPause
	for {
		ask, cancel := s.grace(ctx)
		verdict, out, err := c.node.Action.Probe(ask, c.act, c.in, c.intent.State)
		cancel()
		unreachable := actions.KindOf(err) == actions.KindUnreachable
		again := ctx.Err() == nil && (wait && (verdict == actions.InFlight && err == nil || unreachable) || atWork(verdict, err))
		if !again {
			p := journal.Probed{Verdict: verdict, Error: errText(err), Found: s.found(ctx, c, verdict)}
			if e := s.record(ctx, journal.StepProbed, c.node.Path, p); e != nil {
				return verdict, nil, e
			}
			return verdict, out, err
		}
		if unreachable {
			if e := s.hold(ctx, c, err, &pause); e != nil {
				wait = false
				if isNotDurable(e) {
					return verdict, nil, e
				}
			}
			continue
		}
		c.act.Say("still at work, waiting for it to settle")
		if s.Clock.Wait(ctx, firstPause) != nil {
			wait = false
		}
	}
}

// found tells a person what is there instead. That it cannot be told changes
// nothing about the doubt.
func (s *session) found(ctx context.Context, c *call, v actions.Verdict) []actions.FieldChange {
	if c.node.Action.Differs == nil || v != actions.Partial && v != actions.Foreign {
		return nil
	}
	ask, cancel := s.grace(ctx)
	defer cancel()
	differs, err := c.node.Action.Differs(ask, c.act, c.in, c.intent.State)
	if err != nil {
		return nil
	}
	return differs
}

// graceTime is the time for a question after the deadline, or after a stop: to
// know whether a change took place is worth more than to stop at the second.
// Before the deadline a question takes the time it needs: a plan of a large
// configuration is one.
const graceTime = 5 * time.Second

func (s *session) grace(ctx context.Context) (context.Context, context.CancelFunc) {
	spent := &SpentError{Owner: "the question whether the step took effect", Allowed: graceTime, Step: true}
	ask, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var late *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		late = time.AfterFunc(graceTime, func() { cancel(spent) })
	})
	return ask, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if late != nil {
			late.Stop()
		}
		cancel(nil)
	}
}

// stopCause puts the named cause of an ended context before the error that
// came of it.
func (s *session) stopCause(ctx context.Context, err error) error { return actions.Cause(ctx, err) }

// because puts the named cause of an ended context before an error, if there is one.
func because(ctx context.Context, err error) error {
	if err == nil {
		return orSpent(ctx, nil)
	}
	return actions.Cause(ctx, err)
}

func orSpent(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errors.New("the step was interrupted and has not settled")
}

// DoubtError says that nobody can tell whether a step took effect.
type DoubtError struct {
	Step    string
	Verdict actions.Verdict
	Err     error
}

// Error says what is known.
func (e *DoubtError) Error() string {
	s := "whether step " + e.Step + " took effect is in doubt (" + e.Verdict.String() + ")"
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *DoubtError) Unwrap() error { return e.Err }
