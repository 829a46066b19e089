package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Store keeps events. Implementations pass the suite in journaltest.
type Store interface {
	Mailbox
	// Append makes the event durable before it returns, and with it every one
	// before it; an event that is Soon may wait for the next. It fails with
	// ErrOvertaken when the claim is not the newest one of its target, or when
	// an event with this run and number exists: another executor has taken over.
	Append(ctx context.Context, e Event, c Claim) error
	// Holding tells who holds a target, or held it last.
	Holding(ctx context.Context, target string) (Holding, error)
	// Claim takes a target over from what Holding told, and counts its epoch up.
	// It fails with ErrOvertaken when somebody was faster. Whether the last
	// holder may be followed is for the caller to know.
	Claim(ctx context.Context, was Holding, run string, by Process) (Claim, error)
	// Release lets go of a target. A claim that is not the newest is left be.
	Release(ctx context.Context, c Claim) error
	// Events gives the events of a run in order. It works while a run goes on.
	Events(ctx context.Context, run string) ([]Event, error)
	// Runs gives the first and the last event of each run, newest run first.
	Runs(ctx context.Context) ([]Span, error)
	Close() error
}

// Claim is the right to write to the journal of a run. Each executor takes one
// before its first event; the epoch tells it from every earlier one.
type Claim struct {
	Target string
	Run    string
	Epoch  int64
}

// Holding says who holds a target. Epoch is 0 when nobody ever did.
type Holding struct {
	Target string
	Epoch  int64
	Run    string
	By     Process
	Held   bool // false once it was released
}

// Span is the first and the last event of a run.
type Span struct{ First, Last Event }

// ErrOvertaken says that another executor wrote to the run.
var ErrOvertaken = errors.New("another executor has written to this run")

// ErrNoRun says that there is no such run.
var ErrNoRun = errors.New("no such run")

// Writer appends to one run and keeps its chain. It is not safe for concurrent
// use. After a failed append it refuses every further one: whether the event is
// durable is then unknown, and nothing may happen without a trace.
type Writer struct {
	store  Store
	claim  Claim
	now    func() time.Time
	last   Event
	broken error
	notify func(Event)
}

// NewWriter continues a run after its last event; a zero event with the run's
// id begins it. Each event written is handed to notify. A clock that never goes
// back is for the caller to give: the time of a run is counted by its events.
func NewWriter(store Store, claim Claim, now func() time.Time, last Event, notify func(Event)) *Writer {
	return &Writer{store: store, claim: claim, now: now, last: last, notify: notify}
}

// Append writes one event and returns when it is durable.
func (w *Writer) Append(ctx context.Context, typ Type, path string, data any) error {
	return w.write(ctx, typ, path, data, false)
}

// Soon writes one event on which nothing rests yet: that a step begins, or what
// it saw. Whatever rests on it later is an event that is appended, which makes
// both durable.
func (w *Writer) Soon(ctx context.Context, typ Type, path string, data any) error {
	return w.write(ctx, typ, path, data, true)
}

func (w *Writer) write(ctx context.Context, typ Type, path string, data any, soon bool) error {
	if w.broken != nil {
		return fmt.Errorf("journal is closed after an earlier error: %w", w.broken)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("event %s cannot be written: %w", typ, err)
	}
	e := Event{Run: w.last.Run, Seq: w.last.Seq + 1, Time: w.now().UTC().Round(0), Type: typ, Path: path, Data: raw, Prev: w.last.Hash, Soon: soon}
	e.Hash = e.Digest()
	// An event is written even when the run is being cancelled: losing the
	// record of what happened helps nobody.
	if err := w.store.Append(context.WithoutCancel(ctx), e, w.claim); err != nil {
		w.broken = &NotDurableError{Event: e, Err: err}
		return w.broken
	}
	w.last = e
	w.notify(e)
	return nil
}

// NotDurableError says that an event may not have been written.
type NotDurableError struct {
	Event Event
	Err   error
}

// Error names the event.
func (e *NotDurableError) Error() string {
	return fmt.Sprintf("event %d of run %s (%s) is not durable: %v", e.Event.Seq, e.Event.Run, e.Event.Type, e.Err)
}

// Unwrap gives the cause.
func (e *NotDurableError) Unwrap() error { return e.Err }
