package actions

import (
	"context"
	"errors"
	"fmt"
)

// Kind is the kind of an error: what the run does about it.
type Kind uint8

// The kinds. New ones are added at the end.
const (
	// KindFailed is any failure that is not one of the others. Retrying is up
	// to the playbook.
	KindFailed Kind = iota
	// KindRefused: the action found that acting would make things worse, and
	// did not act. Never retried.
	KindRefused
	// KindConflict: the world changed between Prepare and Run; nothing was
	// written. A retry prepares again.
	KindConflict
	// KindUnreachable: the system did not answer, so nothing is known. The run
	// holds and asks again within its budget; it is not a failed step.
	KindUnreachable
	// KindInvalid: the inputs cannot work in this world (no such object).
	// Never retried.
	KindInvalid
	// KindEnded: it acted and ended badly, and that is all there is to know (a
	// command that exited with 1). What it left behind is not known. The step
	// fails, without being in doubt, and is never retried.
	KindEnded
	// KindAtWork: what it started has not ended. It comes with InFlight, for what
	// acts by itself, unlike a rollout that has not settled: when the time is over,
	// the step is in doubt, because it may act on whatever follows.
	KindAtWork
)

// String names the kind.
func (k Kind) String() string {
	return [...]string{"failed", "refused", "conflict", "unreachable", "invalid", "ended", "at work"}[k]
}

// Error is an error of a known kind, with a hint that says what to do next.
type Error struct {
	Kind Kind
	Hint string
	Err  error
}

// Error gives the message without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Refuse makes an error for acting that would make things worse.
func Refuse(hint, format string, args ...any) error {
	return &Error{KindRefused, hint, fmt.Errorf(format, args...)}
}

// Conflict makes an error for a world that moved between Prepare and Run.
func Conflict(hint, format string, args ...any) error {
	return &Error{KindConflict, hint, fmt.Errorf(format, args...)}
}

// Unreachable makes an error for a system that did not answer.
func Unreachable(format string, args ...any) error {
	return &Error{KindUnreachable, "", fmt.Errorf(format, args...)}
}

// Invalid makes an error for inputs that cannot work in this world.
func Invalid(hint, format string, args ...any) error {
	return &Error{KindInvalid, hint, fmt.Errorf(format, args...)}
}

// Ended makes an error for an effect that is over and came out badly.
func Ended(hint, format string, args ...any) error {
	return &Error{KindEnded, hint, fmt.Errorf(format, args...)}
}

// AtWork makes an error for what was started and has not ended.
func AtWork(hint, format string, args ...any) error {
	return &Error{KindAtWork, hint, fmt.Errorf(format, args...)}
}

// KindOf gives the kind of an error; KindFailed when it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindFailed
}

// HintOf gives the hint of an error, or "".
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// Cause gives the named reason for which a context ended, so that an error
// says whose time ran out.
func Cause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}
