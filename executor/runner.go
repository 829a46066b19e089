package executor

import (
	"context"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
	"github.com/runbackhq/runback/schema"
)

// Runner runs programs. It holds what all runs share; what belongs to one run
// is in a session.
type Runner struct {
	Registry actions.Registry
	Store    journal.Store
	World    World
	Vault    Vault // nil where no playbook needs secrets
	Clock    Clock
	Alive    func(journal.Process) (alive, known bool) // of an executor; see internal/process
	Watch    Watcher
	Who      Who
	Stop     <-chan struct{} // closed to ask for a stop at the next safe point
}

// World says what a target is, so that a run acts on what was reviewed and on
// nothing else.
type World interface {
	// Identify gives the identity of the target: for a cluster the UID of its
	// kube-system namespace, its address, and who we are there.
	Identify(ctx context.Context, t actions.Target) (journal.Identity, error)
	// Locks gives the locks that live with the target, for all who act on it
	// from anywhere.
	Locks(ctx context.Context, t actions.Target) ([]lock.Register, error)
}

// Clock tells the time and waits. Wait gives the cause when ctx ends first.
type Clock struct {
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
}

// SystemClock is the clock of the machine.
func SystemClock() Clock {
	return Clock{Now: time.Now, Wait: func(ctx context.Context, d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
}

// Watcher is told what happens as it happens. Event is called after the event
// is durable; Say is a line of progress that is not recorded.
type Watcher interface {
	Event(e journal.Event)
	Say(path, line string)
}

// Who says who runs, from which process, with which version of the tool.
type Who struct {
	User    string
	Process journal.Process
	Tool    string
}

// Request is one run to be done.
type Request struct {
	ID       string
	Inputs   map[string]any
	Target   actions.Target
	Identity journal.Identity // as planned; the run refuses any other
	Reason   string
	Project  *schema.Source    // that the run belongs to, nil for none
	Reviewed *journal.Reviewed // of a saved plan; the run does that and nothing else
	Undoes   string            // the run that this one undoes
	Left     []journal.LeftOut // steps that a person leaves out; see Program.LeaveOut
}
