package executor_test

import (
	"testing"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// A clock that is set back while a run goes on gives it no time, and takes none
// from a step that begins afterwards.
func TestClockSetBackDuringARun(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, ""), set("b", 2, ", timeout: 30s"), step("id: w, "+waits))
		p := b.program(text)
		inputs, err := p.Bind(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var back time.Duration
		r := b.runner()
		r.Clock.Now = func() time.Time { return time.Now().Add(-back) }
		b.w.during["a"] = func() { time.Sleep(10 * time.Second); back = time.Hour }
		began := time.Now()
		st, err := r.Run(t.Context(), p, executor.Request{ID: "r-1", Inputs: inputs, Identity: journal.Identity{"cluster": "one"}})
		if err != nil {
			t.Fatal(err)
		}
		b.want(st, journal.OverBudget, "a:1 b:2")
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %s, the budget is a minute", took)
		}
		for i, e := range b.store.events[1:] {
			if e.Time.Before(b.store.events[i].Time) {
				t.Errorf("event %d is older than the one before", e.Seq)
			}
		}
		if s := st.Steps["b"]; s.Deadline.Sub(s.Start) != 30*time.Second {
			t.Errorf("step b began at %s and has until %s", s.Start, s.Deadline)
		}
	})
}

func TestClockSetBackBeforeAnObligationIsClosed(t *testing.T) {
	b := newBench(t)
	st := b.run(leaves)
	r := b.runner()
	r.Clock.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	if err := r.Close(t.Context(), st, journal.Closed{Key: "owed a", Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	events := b.store.events
	if last := events[len(events)-1]; last.Type != journal.ObligationClosed || last.Time.Before(events[len(events)-2].Time) {
		t.Errorf("%s was written at %s, after an event of %s", last.Type, last.Time, events[len(events)-2].Time)
	}
}
