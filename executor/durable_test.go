package executor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// broken is a store whose disk is full from one event on. Whether the event
// that failed is there after all is not known.
type broken struct {
	*memory
	from   int
	landed bool
}

var errDisk = errors.New("disk is full")

func (s *broken) Append(ctx context.Context, e journal.Event, c journal.Claim) error {
	if e.Seq < s.from {
		return s.memory.Append(ctx, e, c)
	}
	if e.Seq == s.from && s.landed {
		s.events = append(s.events, e)
	}
	return errDisk
}

// Without a journal nothing happens: when an event may be lost the run ends
// there, with no further effect, no rescue and no finally. It can be resumed.
func TestRunEndsWithItsJournal(t *testing.T) {
	total := 0
	timeless(t, func(_ *testing.T, b *bench) {
		trouble(b.w)
		b.run(troubled)
		total = len(b.store.events)
	})
	for from := 1; from <= total; from++ {
		for _, landed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				trouble(b.w)
				r := b.runner()
				r.Store = &broken{b.store, from, landed}
				effects := 0
				b.w.landed = func() { effects++ }
				_, err := r.Run(t.Context(), b.program(troubled), executor.Request{ID: "r-1", Inputs: map[string]any{"n": 4}})
				nd, ok := errors.AsType[*journal.NotDurableError](err)
				if !ok || !errors.Is(err, errDisk) || nd.Event.Seq != from {
					t.Fatalf("from %d: %v", from, err)
				}
				if acted := count(b, journal.StepIntent); effects > acted {
					t.Errorf("from %d: %d effects of %d that were announced", from, effects, acted)
				}
				if len(b.store.events) == 0 {
					return // there is no run
				}
				state, err := journal.Fold(b.store.events)
				if err != nil {
					t.Fatal(err)
				}
				if state.Ended.IsZero() {
					state = b.resume(troubled)
				}
				b.want(state, journal.FailedRun, troubledEnd)
				b.wantOnce()
			})
		}
	}
}

// An executor that was taken for dead and overtaken does nothing more.
func TestOvertakenExecutorStops(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, ""), set("b", 2, ""), set("c", 3, ""))
		b.w.landed = func() {
			// Another executor resumes while this one is at step a.
			b.w.landed = nil
			e := journal.Event{Run: "r-1", Seq: len(b.store.events) + 1, Type: journal.RunResumed, Data: []byte("{}"), Prev: b.store.events[len(b.store.events)-1].Hash}
			e.Hash = e.Digest()
			b.store.events = append(b.store.events, e)
		}
		_, err := b.runner().Run(t.Context(), b.program(text), executor.Request{ID: "r-1"})
		if !errors.Is(err, journal.ErrOvertaken) || len(b.w.effects) != 1 {
			t.Errorf("%v, effects %v", err, b.w.effects)
		}
		b.want(b.resume(text), journal.Succeeded, "a:1 b:2 c:3")
		b.wantOnce()
	})
}
