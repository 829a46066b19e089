package actions

import (
	"context"
	"fmt"
	"time"
)

// Call is what an action is given besides its inputs. It is kept this small on
// purpose: a field more needs a written reason.
type Call struct {
	// Key identifies the step of the run (<run>/<path>). It is the same over
	// retries and resumes, so it can mark a write as ours. In a plan it begins
	// with "plan/".
	Key string
	// Target is what the playbook acts on, resolved. Actions act there and
	// nowhere else.
	Target Target
	// Wait sleeps for d or until ctx ends, and then gives the cause. It is
	// here because an action has no clock.
	Wait func(ctx context.Context, d time.Duration) error
	// Ask waits for the answer of a person, who may take long and may answer
	// after a crash: the question is recorded, and the answer too. It is here
	// because only the executor hears what is said to a run. It is nil in a plan.
	Ask func(ctx context.Context, q Question) (Answer, error)
	// Say shows one line of progress to whoever watches; it is not a record.
	Say func(line string)
}

// Until looks again and again until look says that it is done, soon at first, as
// most of what is waited for comes soon, and then every so often. What look says
// in words is shown, and ends up in the error when time runs out, so that the
// operator reads what was missing rather than "deadline exceeded".
//
// An error of look ends the waiting, except when it is Unreachable: an API
// server that does not answer is waited for as long as the deadline allows.
func Until(ctx context.Context, c *Call, every time.Duration, look func(context.Context) (done bool, state string, err error)) error {
	const nothing = "nothing seen yet"
	last := nothing
	for wait := every / 10; ; wait = min(2*wait, every) {
		done, state, err := look(ctx)
		switch {
		case err != nil && ctx.Err() != nil && last != nothing:
			// This look was cut short; what the one before saw says more.
		case err != nil && (ctx.Err() != nil || KindOf(err) == KindUnreachable):
			last = err.Error()
		case err != nil:
			return err
		case done:
			return nil
		default:
			if state != last && c.Say != nil {
				c.Say(state)
			}
			last = state
		}
		if err := c.Wait(ctx, wait); err != nil {
			return fmt.Errorf("waiting ended: %w; last seen: %s", err, last)
		}
	}
}
