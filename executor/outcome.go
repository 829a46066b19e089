package executor

import (
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
)

// outcome is how a step, a block or a run came out.
type outcome struct {
	status   journal.Status
	err      error
	step     string // path of the step that decided it
	outputs  actions.Outputs
	effect   actions.Verdict // of a change that failed: what is known of its effect
	verified *guard.Judgement
	recorded bool // it is in the journal already
}

func (o outcome) ok() bool { return o.status == journal.Succeeded || o.status == journal.Skip }

// final says that nothing may follow, not even rescue or finally: the run is
// not over, it waits for a resume or for a person.
func (o outcome) final() bool {
	return o.status == journal.Cancelled || o.status == journal.InDoubt
}

// SpentError says whose time ran out.
type SpentError struct {
	Owner   string // "playbook canary", "block traffic", "step switch"
	Allowed time.Duration
	// Step says that only the time of one step ran out. That is a failure of
	// the step; a budget is spent when a block or the playbook ran out.
	Step bool
}

// Error names the owner of the deadline.
func (e *SpentError) Error() string {
	return fmt.Sprintf("the time of %s is spent (%s)", e.Owner, e.Allowed)
}

// Timeout says, as the errors of the standard library do, that time is what
// ended it. An action may have to know: what ran out of time is over, what was
// stopped goes on in a resume.
func (e *SpentError) Timeout() bool { return true }

// errStopped is the cause of a stop at once.
var errStopped = errors.New("stopped by the operator")

// RefusedError says that a guard or an expectation stopped the run.
type RefusedError struct {
	Message   string
	Judgement guard.Judgement
}

// Error gives the message with what was seen.
func (e *RefusedError) Error() string {
	if e.Message == "" {
		return "expected " + e.Judgement.String()
	}
	return fmt.Sprintf("%s [%s]", e.Message, e.Judgement)
}

// refuses says whether the error means that acting was not possible or not
// wise, as opposed to tried and failed.
func refuses(err error) bool {
	_, guarded := errors.AsType[*RefusedError](err)
	kind := actions.KindOf(err)
	return guarded || kind == actions.KindRefused || kind == actions.KindInvalid
}

// failed turns an error into the outcome that its kind asks for.
func failed(err error, path string) outcome {
	o := outcome{status: journal.FailedRun, err: err, step: path}
	if spent, ok := errors.AsType[*SpentError](err); ok && !spent.Step {
		o.status = journal.OverBudget
	}
	if stopped(err) {
		o.status = journal.Cancelled
	}
	if errors.Is(err, errAborted) {
		o.status = journal.Aborted
	}
	if refuses(err) {
		o.status = journal.Refused
	}
	return o
}

// stopped says whether the run was ended from outside: by the operator, or
// because somebody else holds the target now.
func stopped(err error) bool { return errors.Is(err, errStopped) || lostLock(err) }

// Stopped makes the cause of a context that the operator ended, so that the
// run ends as cancelled rather than failed.
func Stopped(err error) error { return fmt.Errorf("%w: %w", errStopped, err) }
