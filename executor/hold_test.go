package executor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

func TestNoAnswerIsNoFailure(t *testing.T) {
	for name, text := range map[string]string{
		"of an observation": spec(step("id: a, uses: t.get, with: {key: a}, retry: {attempts: 2}")),
		"of a change":       spec(set("a", 1, ", retry: {attempts: 2}")),
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.w.down["a"] = 5
				st := b.run(text)
				if st.Status != journal.Succeeded || st.Steps["a"].Attempt > 1 {
					t.Errorf("run %s at attempt %d: %s", st.Status, st.Steps["a"].Attempt, st.End.Message)
				}
				// The pauses double from half a second and stop growing at five.
				if want := 500*time.Millisecond + (1+2+4+5)*time.Second; took(st) != want {
					t.Errorf("took %s, want %s", took(st), want)
				}
				if got := count(b, journal.StepHeld); got != 1 {
					t.Errorf("told %d times in the journal", got)
				}
				if got := count(b, journal.StepIntent); got > 1 {
					t.Errorf("announced %d times", got)
				}
				b.wantOnce()
			})
		})
	}
}

func count(b *bench, typ journal.Type) int {
	n := 0
	for _, e := range b.store.events {
		if e.Type == typ {
			n++
		}
	}
	return n
}

// A write that is never answered while reads are is not hammered.
func TestHoldEndsWithTheBudget(t *testing.T) {
	for name, tc := range map[string]struct {
		text    string
		status  journal.Status
		message string
		takes   time.Duration
	}{
		"of the playbook": {spec(set("a", 1, "")), journal.OverBudget, "the time of playbook test is spent", time.Minute},
		"of a block":      {spec("    - {id: k, budget: 20s, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}]}\n"), journal.OverBudget, "the time of block k is spent", 20 * time.Second},
		"of a step":       {spec(set("a", 1, ", timeout: 10s")), journal.FailedRun, "the time of step a is spent", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.w.down["a"] = 100_000
				st := b.run(tc.text)
				b.want(st, tc.status, "")
				wantMessage(t, st, tc.message)
				wantMessage(t, st, "no answer")
				if took(st) != tc.takes {
					t.Errorf("took %s", took(st))
				}
				if asked := 100_000 - b.w.down["a"]; asked > 20 {
					t.Errorf("asked %d times", asked)
				}
				if st.Changed {
					t.Error("changed, it says")
				}
			})
		})
	}
}

func TestStopEndsAHold(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		b.w.down["a"] = 8
		time.AfterFunc(4*time.Second, func() { close(b.stop) })
		text := spec(set("a", 1, ""))
		st := b.run(text)
		b.want(st, journal.Cancelled, "")
		b.stop = make(chan struct{})
		b.want(b.resume(text), journal.Succeeded, "a:1")
		b.wantOnce()
	})
}

func TestNoAnswerWhileVerifyingProvesNothing(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.values["g"] = 1
		looks := 0
		b.w.during["g"] = func() {
			if looks++; looks == 3 {
				b.w.down["g"] = 2
			}
		}
		st := b.run(spec(step("id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value == 1, every: 1s, for: 3s, within: 30s}")))
		b.want(st, journal.Succeeded, "g:1")
		// Looks at 0, 1 (true), 2 and 3 (no answer), 4 (true) ... 7: held for 3 s.
		if took(st) != 7*time.Second || slices.Contains(b.happened(), "step.failed g") {
			t.Errorf("took %s: %v", took(st), b.happened())
		}
	})
}
