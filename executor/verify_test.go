package executor_test

import (
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// The value of a key over time: what is seen at each look, the last for ever.
func (b *bench) over(key string, values ...int) {
	looks := 0
	b.w.during[key] = func() {
		b.w.mu.Lock()
		defer b.w.mu.Unlock()
		b.w.values[key] = values[min(looks, len(values)-1)]
		looks++
	}
}

func TestVerificationComesTrueAndHolds(t *testing.T) {
	for name, tc := range map[string]struct {
		rule   string
		seen   []int
		status journal.Status
		takes  time.Duration
	}{
		"true at once":                     {"within: 10s", []int{1}, journal.Succeeded, 0},
		"true later":                       {"within: 10s", []int{0, 0, 1}, journal.Succeeded, 2 * time.Second},
		"it must hold":                     {"for: 3s, within: 10s", []int{1}, journal.Succeeded, 3 * time.Second},
		"a flap starts the window anew":    {"for: 3s, within: 20s", []int{1, 1, 1, 0, 1}, journal.Succeeded, 7 * time.Second},
		"flapping for ever never holds":    {"for: 2s, within: 10s", []int{1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0}, journal.FailedRun, 10 * time.Second},
		"never true":                       {"within: 10s", []int{0}, journal.FailedRun, 10 * time.Second},
		"too late to hold":                 {"for: 5s, within: 8s", []int{0, 0, 0, 0, 1}, journal.FailedRun, 8 * time.Second},
		"just in time":                     {"for: 4s, within: 8s", []int{0, 0, 0, 1}, journal.Succeeded, 7 * time.Second},
		"looked at as often as it is said": {"every: 3s, within: 10s", []int{0, 1}, journal.Succeeded, 3 * time.Second},
		"the last look ends the window":    {"every: 3s, for: 4s, within: 10s", []int{1}, journal.Succeeded, 4 * time.Second},
		"no time means now":                {"within: 0s", []int{0, 1}, journal.FailedRun, 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.over("g", tc.seen...)
				st := b.run(spec(step("id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value == 1, " + tc.rule + "}")))
				if st.Status != tc.status || took(st) != tc.takes {
					t.Errorf("run %s after %s: %s", st.Status, took(st), st.End.Message)
				}
				done := st.Steps["g"].Outputs["value"]
				if tc.status == journal.Succeeded && done != 1 {
					t.Errorf("the outputs are of another look: %v", done)
				}
			})
		})
	}
}

// A change is not made again to verify it: it is asked whether it holds.
func TestChangeIsAskedWhetherItHolds(t *testing.T) {
	text := spec(set("a", 1, ", verify: {until: outputs.value == 1, for: 5s, within: 20s}"))
	t.Run("it holds", func(t *testing.T) {
		timeless(t, func(t *testing.T, b *bench) {
			st := b.run(text)
			b.want(st, journal.Succeeded, "a:1")
			b.wantOnce()
			if b.w.probed["a"] != 5 || took(st) != 5*time.Second {
				t.Errorf("asked %d times in %s", b.w.probed["a"], took(st))
			}
		})
	})
	for name, value := range map[string]int{"somebody put it back": 0, "somebody changed it away": 7} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				time.AfterFunc(2500*time.Millisecond, func() {
					b.w.mu.Lock()
					defer b.w.mu.Unlock()
					b.w.values["a"] = value
				})
				st := b.run(text)
				if st.Status != journal.FailedRun || took(st) != 3*time.Second || !st.Changed {
					t.Errorf("run %s after %s", st.Status, took(st))
				}
				wantMessage(t, st, "somebody else changed it back or away")
				b.wantOnce()
			})
		})
	}
}

func TestExpectationsAreAskedAfterTheVerification(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.over("g", 0, 0, 3)
		st := b.run(spec(step("id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value > 0, within: 10s}, expect: [{that: outputs.value == 2, message: two are needed}]")))
		b.want(st, journal.Refused, "g:3")
		wantMessage(t, st, "two are needed [outputs.value == 2 is false (outputs.value = 3)]")
	})
}

func TestExpectationAfterAChangeKnowsThatItTookEffect(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		st := b.run(spec(set("a", 1, ", expect: outputs.value == 2, retry: {attempts: 3}")))
		b.want(st, journal.FailedRun, "a:1")
		b.wantOnce()
		if f := st.Steps["a"].Failure; f.Status != journal.Refused || f.Effect != actions.Applied {
			t.Errorf("%+v", f)
		}
	})
}
