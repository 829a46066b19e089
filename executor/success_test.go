package executor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

const hopeful = `  budget: 10s
  success:
    - {name: Is one, uses: t.get, with: {key: a}, that: outputs.value == 1, within: 5m, for: 1m, every: 1s}
    - {name: Is known, uses: t.get, with: {key: b}, that: outputs.value != nil, within: 2m}
  steps:
    - {id: put, uses: t.set, with: {key: a, value: 1}}
  finally:
    - {id: last, uses: t.set, with: {key: last, value: 1}}
`

func TestSuccessIsWatchedAfterTheSteps(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		time.AfterFunc(89*time.Second, func() { b.w.mu.Lock(); b.w.values["b"] = 2; b.w.mu.Unlock() })
		st := b.run(hopeful)
		b.want(st, journal.Succeeded, "a:1 b:2 last:1")
		// Side by side, and longer than the budget.
		if took(st) != 90*time.Second {
			t.Errorf("after %s", took(st))
		}
	})
}

func TestSuccessDoesNotComeTrue(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		st := b.run(hopeful)
		b.want(st, journal.FailedRun, "a:1 last:1")
		wantMessage(t, st, "step is_known is spent (2m0s)")
		if st.Steps["~success/is_one"].Status != journal.Succeeded || st.End.Step != "~success/is_known" {
			t.Errorf("%+v", st.End)
		}
	})
}

func TestNoSuccessWithoutItsSteps(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.fails["a"] = 99
		st := b.run(hopeful)
		b.want(st, journal.FailedRun, "last:1")
		if st.Steps["~success/is_one"] != nil {
			t.Error("it looked for success")
		}
	})
}

// The window of a criterion is not given anew by a resume.
func TestSuccessAcrossACrash(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.store.dieAfter = 7 // after both criteria began
		if !b.dying(hopeful) {
			t.Fatal("it lived")
		}
		time.Sleep(110 * time.Second)
		st := b.resume(hopeful)
		b.want(st, journal.FailedRun, "a:1 last:1")
		if took(st) > 4*time.Minute {
			for _, e := range b.store.events {
				t.Log(e.Time.Sub(st.At), e.Type, e.Path)
			}
			t.Errorf("after %s", took(st))
		}
	})
}

func TestSuccessOnlyLooks(t *testing.T) {
	for text, want := range map[string]string{
		"{name: x, uses: t.set, with: {key: a, value: 1}, that: outputs.value == 1, within: 1m}":                      "only looks",
		"{name: x, uses: t.get, with: {key: a}, within: 1m}":                                                          "that",
		"{name: x, uses: t.get, with: {key: a}, that: outputs.value == 1}":                                            "within",
		"{name: put, uses: t.get, with: {key: a}, that: outputs.value == 1, within: 1m}":                              "used already",
		"{name: x, uses: t.get, with: {key: a}, that: outputs.value == 1, within: 1m, for: 2m}":                       "must hold for 2m",
		"{name: x, uses: t.get, with: {key: a}, that: steps.put.outputs.value == 1 && outputs.valu == 1, within: 1m}": "unknown field valu",
	} {
		_, found := executor.Compile(source("  budget: 1m\n  success:\n    - "+text+"\n  steps:\n    - {id: put, uses: t.set, with: {key: a, value: 1}}\n"), newWorld().registry(t))
		if !strings.Contains(found.Render(nil), want) {
			t.Errorf("%s: %s", text, found.Render(nil))
		}
	}
}
