// Package lock knows who may act on a target: one run at a time, over machines
// and over crashes.
//
// A lock is a record in a register that can be read and compared-and-set: a
// Lease in the target namespace, and the claim in the store. Its epoch counts
// every change of hands. A holder is followed only when it is known to be dead:
// its process is gone from this machine, or it lives elsewhere and has not
// renewed the record for its whole duration, as seen here and by no other clock
// than ours. A record that cannot be understood is refused and never dropped.
//
// No lock can stop a process that was frozen between its last question and its
// effect (Jepsen, etcd 3.4.3: "locks do not guarantee mutual exclusion"). That
// is why the lock is asked again right before each effect, why every append
// carries the epoch, and why the effects themselves are compare-and-set.
package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// Holder says who holds a lock, for the machine and for people.
type Holder struct {
	Run      string          `json:"run"`
	Playbook string          `json:"playbook"`
	User     string          `json:"user"`
	Process  journal.Process `json:"process"`
}

// String names the holder for people.
func (h Holder) String() string {
	what, who := "run "+h.Run, fmt.Sprintf("process %d on %s", h.Process.PID, h.Process.Host)
	if h.Playbook != "" {
		what += " of " + h.Playbook
	}
	if h.User != "" {
		who = h.User + ", " + who
	}
	return what + " (" + who + ")"
}

// Record is what a register says.
type Record struct {
	Epoch   int64         // counts changes of hands; 0 when there never was one
	Holder  *Holder       // nil when it is free
	Poison  string        // why the holder cannot be understood, or ""
	Version string        // changes with every write, renewals included
	Expires time.Duration // after so long without a renewal a holder elsewhere counts as dead; 0 means never
}

// Register is one place that a lock lives in.
type Register interface {
	// Where names it for people: "lease runback in namespace default".
	Where() string
	Read(ctx context.Context) (Record, error)
	// Take makes h the holder and counts the epoch up. It fails with ErrMoved
	// when the record is not the one that was read.
	Take(ctx context.Context, was Record, h Holder) (Record, error)
	// Renew shows that the holder lives. It fails with ErrMoved when the record
	// is not ours any more.
	Renew(ctx context.Context, mine Record) (Record, error)
	// Free lets go. A record that is not ours any more is left be.
	Free(ctx context.Context, mine Record) error
}

// ErrMoved says that somebody else wrote the record.
var ErrMoved = errors.New("the lock has changed hands")
