package executor_test

import (
	"fmt"
	"testing"

	"github.com/runbackhq/runback/internal/journal"
)

// everything uses each feature of the language that bears on a resume.
const everything = `  budget: 1m
  inputs: {n: {type: int, default: 4}, wait: {type: duration, default: 1ms}}
  steps:
    - {id: look, uses: t.get, with: {key: seed}}
    - {id: skipped, uses: t.set, with: {key: never, value: 1}, when: steps.look.outputs.value == 99}
    - {id: one, uses: t.set, with: {key: one, value: "${{ inputs.n }}"}, expect: outputs.value == inputs.n}
    - id: block
      budget: 30s
      steps:
        - {id: two, uses: t.set, with: {key: two, value: "${{ steps.one.outputs.value + 1 }}"}, verify: {until: outputs.value == 5, every: 1ms, within: 5s}}
        - {id: bad, uses: t.set, with: {key: bad, value: -1}, on_failure: continue, when: steps.look.outputs.value == 99}
        - {id: breaks, uses: t.get, with: {key: seed}, verify: {until: outputs.value == 1, every: 1ms, within: 5ms}}
      rescue:
        - {id: three, uses: t.set, with: {key: three, value: 3}}
      finally:
        - {id: four, uses: t.set, with: {key: four, value: 4}}
    - {id: five, uses: t.set, with: {key: five, value: "${{ steps.two.outputs.value }}"}, retry: {attempts: 2, delay: 1ms}}
  finally:
    - {id: last, uses: t.set, with: {key: last, value: 6}}
`

// TestCrashAroundEveryEvent ends the process before and after each event
// became durable and resumes: the same end, and every effect once.
func TestCrashAroundEveryEvent(t *testing.T) {
	calm := newBench(t)
	calm.w.values["seed"] = 7
	want := calm.run(everything)
	calm.want(want, journal.Succeeded, "five:5 four:4 last:6 one:4 seed:7 three:3 two:5")
	total := len(calm.store.events)
	if total < 25 {
		t.Fatalf("only %d events", total)
	}
	for n := 1; n <= total; n++ {
		for _, after := range []bool{false, true} {
			if n == 1 && !after || n == total && after {
				continue // there is no run yet, or it is over
			}
			t.Run(fmt.Sprintf("%d after=%t", n, after), func(t *testing.T) {
				b := newBench(t)
				b.w.values["seed"] = 7
				if after {
					b.store.dieAfter = n
				} else {
					b.store.dieBefore = n
				}
				if !b.dying(everything) {
					t.Fatal("the process did not die")
				}
				st := b.resume(everything)
				b.want(st, journal.Succeeded, "five:5 four:4 last:6 one:4 seed:7 three:3 two:5")
				for key, count := range b.w.effects {
					if count != 1 {
						t.Errorf("%s was written %d times", key, count)
					}
				}
				if err := journal.Verify(b.store.events); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestResumeAsksTheWorld(t *testing.T) {
	const spec = "  budget: 1m\n  steps:\n    - {id: a, uses: t.set, with: {key: a, value: 1}}\n    - {id: b, uses: t.set, with: {key: b, value: 2}}\n"
	const intent = 3 // run.started, step.start, step.intent
	for name, tc := range map[string]struct {
		between func(*world)
		status  journal.Status
		values  string
	}{
		"not applied: it is done":           {func(*world) {}, journal.Succeeded, "a:1 b:2"},
		"applied: it is not done again":     {func(w *world) { w.values["a"] = 1; w.effects["a"]++ }, journal.Succeeded, "a:1 b:2"},
		"foreign: a person must look at it": {func(w *world) { w.values["a"] = 5 }, journal.InDoubt, "a:5"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.store.dieAfter = intent
			if !b.dying(spec) {
				t.Fatal("the process did not die")
			}
			tc.between(b.w)
			b.want(b.resume(spec), tc.status, tc.values)
			if n := b.w.effects["a"]; n > 1 {
				t.Errorf("written %d times", n)
			}
			if tc.status != journal.InDoubt {
				return
			}
			b.w.values["a"] = 0 // the person put it back
			b.want(b.resume(spec), journal.Succeeded, "a:1 b:2")
		})
	}
	t.Run("without a probe it is in doubt", func(t *testing.T) {
		const blind = "  budget: 1m\n  steps:\n    - {id: a, uses: t.blind, with: {key: a, value: 1}}\n"
		b := newBench(t)
		b.store.dieAfter = intent
		if !b.dying(blind) {
			t.Fatal("the process did not die")
		}
		b.want(b.resume(blind), journal.InDoubt, "")
	})
}

func TestStopAtASafePoint(t *testing.T) {
	const spec = "  budget: 1m\n  steps:\n    - {id: a, uses: t.set, with: {key: a, value: 1}}\n  finally:\n    - {id: f, uses: t.set, with: {key: f, value: 1}}\n"
	b := newBench(t)
	close(b.stop)
	b.want(b.run(spec), journal.Cancelled, "")
	b.stop = make(chan struct{})
	b.want(b.resume(spec), journal.Succeeded, "a:1 f:1")
}

func TestResumeDoesNotExtendDeadlines(t *testing.T) {
	const spec = "  budget: 1m\n  steps:\n    - {id: w, uses: t.wait, with: {key: w}, timeout: 50ms}\n"
	b := newBench(t)
	b.store.dieAfter = 2 // the step began
	if !b.dying(spec) {
		t.Fatal("the process did not die")
	}
	began := b.store.events[1]
	first, err := journal.Decode[journal.Began](began)
	if err != nil {
		t.Fatal(err)
	}
	st := b.resume(spec)
	if got := st.Steps["w"].Deadline; !got.Equal(first.Deadline) {
		t.Errorf("deadline %s, was %s", got, first.Deadline)
	}
	b.want(st, journal.FailedRun, "")
}
