package lock

import "fmt"

// HeldError says who holds the lock.
type HeldError struct {
	Where  string
	Holder Holder
	Why    string // why it is not taken over
}

// Error names the holder.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is held by %s: %s", e.Where, e.Holder, e.Why)
}

// PoisonedError says that a lock is held by nobody knows whom.
type PoisonedError struct{ Where, Reason string }

// Error gives the reason.
func (e *PoisonedError) Error() string {
	return fmt.Sprintf("%s is held and its holder cannot be understood: %s", e.Where, e.Reason)
}

// LostError says that the lock was taken from a run that goes on.
type LostError struct {
	Where string
	Err   error
}

// Error says where it was lost.
func (e *LostError) Error() string { return fmt.Sprintf("%s was lost: %v", e.Where, e.Err) }

// Unwrap gives the cause.
func (e *LostError) Unwrap() error { return e.Err }
