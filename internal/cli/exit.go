package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/sqlite"
	"github.com/runbackhq/runback/internal/lock"
	"github.com/runbackhq/runback/schema"
)

// The exit codes. They are part of the interface: scripts depend on them.
const (
	exitOK        = 0
	exitFailed    = 1  // the run failed
	exitPending   = 2  // changes are pending; only plan --detailed-exitcode
	exitRefused   = 3  // a guard stopped it, nothing was changed
	exitInDoubt   = 4  // the outcome is unknown, a person must look
	exitCancelled = 5  // stopped by the operator; it can be resumed unless it was aborted
	exitLocked    = 6  // another run holds it
	exitSpent     = 7  // the time budget is exhausted
	exitStore     = 8  // the store is damaged or not durable
	exitUsage     = 64 // the command line is wrong
	exitInvalid   = 65 // the playbook or its data are wrong
)

// exitError carries an exit code of its own.
type exitError struct {
	code  int
	hint  string
	shown bool // the screen has said everything already
	err   error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }
func (e *exitError) Shown() bool   { return e.shown }

func usage(hint, message string) error {
	return &exitError{code: exitUsage, hint: hint, err: errors.New(message)}
}

func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*journal.NotDurableError](err); ok {
		if errors.Is(err, journal.ErrOvertaken) {
			return exitLocked
		}
		return exitStore
	}
	if errors.Is(err, errNow) {
		return exitCancelled
	}
	if locked(err) {
		return exitLocked
	}
	if sqlite.Broken(err) {
		return exitStore
	}
	if _, ok := errors.AsType[*journal.DamagedError](err); ok {
		return exitStore
	}
	if _, ok := errors.AsType[schema.Diagnostics](err); ok {
		return exitInvalid
	}
	if _, ok := errors.AsType[*executor.InputError](err); ok {
		return exitInvalid
	}
	if _, ok := errors.AsType[*executor.WrongTargetError](err); ok {
		return exitRefused
	}
	switch actions.KindOf(err) {
	case actions.KindRefused, actions.KindInvalid:
		return exitRefused
	default:
		return exitFailed
	}
}

// locked says that somebody else holds the target.
func locked(err error) bool {
	_, held := errors.AsType[*lock.HeldError](err)
	_, poisoned := errors.AsType[*lock.PoisonedError](err)
	_, lost := errors.AsType[*lock.LostError](err)
	return held || poisoned || lost
}

// statusCode gives the exit code of an ended run.
func statusCode(s journal.Status) int {
	switch s {
	case journal.Succeeded, journal.Mitigated:
		return exitOK
	case journal.Refused:
		return exitRefused
	case journal.InDoubt:
		return exitInDoubt
	case journal.Cancelled, journal.Aborted:
		return exitCancelled
	case journal.OverBudget:
		return exitSpent
	default:
		return exitFailed
	}
}

func hintOf(err error) string {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.hint
	}
	if e, ok := errors.AsType[*executor.InputError](err); ok {
		return cmp.Or(e.Hint, "see the inputs of a playbook with: runback show NAME")
	}
	if _, ok := errors.AsType[*executor.WrongTargetError](err); ok {
		return "check --context, --kubeconfig and --namespace; nothing was changed"
	}
	if e, ok := errors.AsType[*lock.HeldError](err); ok {
		return fmt.Sprintf("wait for it, or ask %s on %s; nothing was changed", cmp.Or(e.Holder.User, "who works"), e.Holder.Process.Host)
	}
	if _, ok := errors.AsType[*lock.PoisonedError](err); ok {
		return "look at it: kubectl get lease runback -o yaml; delete it only when you know that nobody acts; nothing was changed"
	}
	if sqlite.Broken(err) {
		return "free the disk, or set XDG_STATE_HOME to another folder; nothing happens without a journal"
	}
	if hint := actions.HintOf(err); hint != "" || actions.KindOf(err) != actions.KindUnreachable {
		return hint
	}
	return "check the network and --context; nothing was changed, so start it again when there is an answer"
}
