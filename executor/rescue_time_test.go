package executor_test

import (
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// slowly makes an action on a key fail after a time, whatever its context says.
func slowly(w *world, key string, d time.Duration) {
	w.fails[key] = 1
	w.kinds[key] = func() error { time.Sleep(d); return actions.Conflict("", "did not work") }
}

// Steps failed, and by then no time was left for their rescue: the run was ended
// by its budget, and the journal says whose time it was.
func TestRescueThatHasNoTimeLeft(t *testing.T) {
	rescued := "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
	block := "  budget: 10m\n  steps:\n    - {id: k, budget: 7s, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}], rescue: [{id: b, uses: t.set, with: {key: b, value: 1}}]}\n"
	for name, tc := range map[string]struct {
		text, message string
		status        journal.Status
		values        string
	}{
		"of the playbook":                       {spec(set("a", 1, "")) + rescued, "did not work; rescue was left out: the time of playbook test is spent (1m0s)", journal.OverBudget, "f:1"},
		"of a block":                            {block, "did not work; rescue was left out: the time of block k is spent (7s)", journal.OverBudget, ""},
		"of a block, and the playbook has time": {block + rescued, "", journal.Succeeded, "f:1 r:1"},
		"and the time itself was the failure":   {spec(step("id: w, "+waits)) + rescued, "the time of playbook test is spent (1m0s); no time was left for rescue", journal.OverBudget, "f:1"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				slowly(b.w, "a", 2*time.Minute)
				st := b.run(tc.text)
				b.want(st, tc.status, tc.values)
				if tc.message != "" {
					wantMessage(t, st, tc.message)
				}
			})
		})
	}
}

func TestRescueThatHasNoTimeLeftAtTheResume(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, "")) + "  rescue:\n" + set("r", 1, "")
		b.w.fails["a"] = 1
		calm := newBench(t)
		calm.w.fails["a"] = 1
		calm.run(text)
		for i, e := range calm.store.events {
			if e.Type == journal.StepFailed {
				b.store.dieAfter = i + 1
			}
		}
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		time.Sleep(time.Hour)
		st := b.resume(text)
		b.want(st, journal.OverBudget, "")
		wantMessage(t, st, "did not work; rescue was left out: the time of playbook test is spent (1m0s)")
	})
}

// A stop is not the end of the time: the rescue is there for the resume.
func TestRescueAfterAStop(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		text := spec(set("a", 1, "")) + "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
		slowly(b.w, "a", 10*time.Second)
		b.want(b.runUnder(stopAfter(5*time.Second), text), journal.Cancelled, "")
		b.want(b.resume(text), journal.Succeeded, "f:1 r:1")
		b.wantOnce()
	})
}
