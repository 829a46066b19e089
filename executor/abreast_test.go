package executor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// sleeps is a step that takes an hour of a clock that moves only when everybody
// waits, and a limit.
func sleeps(id string, limit string) string {
	return fmt.Sprintf("        - {id: %s, uses: t.wait, with: {key: %s}, timeout: %s}\n", id, id, limit)
}

func TestStepsSideBySideTakeTheTimeOfTheLongest(t *testing.T) {
	steps := sleeps("a", "10s") + sleeps("b", "20s") + sleeps("c", "5s")
	for _, tc := range []struct {
		how  string
		took time.Duration
	}{{"parallel: true", 20 * time.Second}, {"{}", 10 * time.Second}} {
		timeless(t, func(t *testing.T, b *bench) {
			how := "      " + tc.how + "\n"
			if tc.how == "{}" {
				how = ""
			}
			st := b.run("  budget: 1m\n  steps:\n    - id: all\n" + how + "      steps:\n" + steps)
			// One after the other the first failure is the last step.
			if st.Status != journal.FailedRun || took(st) != tc.took {
				t.Errorf("%q: %s after %s, want %s", tc.how, st.Status, took(st), tc.took)
			}
		})
	}
}

func TestAtOnceBoundsHowManyGoOn(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := "  budget: 1m\n  steps:\n    - id: all\n      parallel: true\n      at_once: 2\n      steps:\n"
		for _, id := range []string{"a", "b", "c", "d"} {
			text += fmt.Sprintf("        - {id: %s, uses: t.wait, with: {key: x}, timeout: 10s, on_failure: continue}\n", id)
		}
		if st := b.run(text); st.Status != journal.Succeeded || took(st) != 20*time.Second {
			t.Errorf("%s after %s", st.Status, took(st))
		}
	})
}

// What began goes on to its end when another one fails; what did not begin does
// not begin. Rescue comes after all of them.
func TestAFailureSideBySide(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.fails["bad"] = 99
		st := b.run(`  budget: 1m
  steps:
    - id: all
      parallel: true
      at_once: 2
      steps:
        - {id: long, uses: t.set, with: {key: long, value: 1}, verify: {until: outputs.value == 1, every: 1s, for: 10s, within: 20s}}
        - {id: bad, uses: t.set, with: {key: bad, value: 1}}
        - {id: never, uses: t.set, with: {key: never, value: 1}}
      rescue:
        - {id: after, uses: t.set, with: {key: after, value: 1}, when: steps.long.status == "succeeded" && steps.bad.status == "failed"}
`)
		b.want(st, journal.Succeeded, "after:1 long:1")
		if took(st) < 10*time.Second || st.Steps["all/never"] != nil {
			t.Errorf("after %s, never %v", took(st), st.Steps["all/never"])
		}
	})
}

func TestDoubtSideBySideIsHeavierThanFailure(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.fails["bad"], b.w.lost["blind"] = 99, 1
		st := b.run(`  budget: 1m
  steps:
    - id: all
      parallel: true
      steps:
        - {id: bad, uses: t.set, with: {key: bad, value: 1}, retry: {attempts: 2, delay: 1s}} # when blind has begun
        - {id: blind, uses: t.blind, with: {key: blind, value: 1}}
  finally:
    - {id: later, uses: t.set, with: {key: later, value: 1}}
`)
		b.want(st, journal.InDoubt, "blind:1")
		if st.End.Step != "all/blind" {
			t.Errorf("decided by %s", st.End.Step)
		}
	})
}

func TestAStopSideBySide(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		b.w.during["one"] = func() { close(b.stop) }
		text := `  budget: 1m
  steps:
    - id: all
      parallel: true
      at_once: 1
      steps:
        - {id: one, uses: t.set, with: {key: one, value: 1}}
        - {id: two, uses: t.set, with: {key: two, value: 2}}
`
		b.want(b.run(text), journal.Cancelled, "one:1")
		b.stop = make(chan struct{})
		b.w.during["one"] = nil
		b.want(b.resume(text), journal.Succeeded, "one:1 two:2")
		b.wantOnce()
	})
}

const sideBySide = `  budget: 10m
  inputs: {names: {type: list, default: [p, q, r]}}
  steps:
    - {id: look, uses: t.get, with: {key: seed}}
    - id: all
      parallel: true
      steps:
        - {id: one, uses: t.set, with: {key: one, value: 1}, retry: {attempts: 3, delay: 1s}}
        - {id: two, uses: t.set, with: {key: two, value: 2}, verify: {until: outputs.value == 2, every: 1s, for: 2s, within: 1m}}
        - id: nested
          steps:
            - {id: three, uses: t.set, with: {key: three, value: 3}}
            - {id: four, uses: t.set, with: {key: four, value: "${{ steps.three.outputs.value + 1 }}"}}
      finally:
        - {id: five, uses: t.set, with: {key: five, value: "${{ steps.four.outputs.value + steps.one.outputs.value }}"}}
    - id: each
      foreach: ${{ inputs.names }}
      parallel: true
      at_once: 2
      steps:
        - {id: put, uses: t.set, with: {key: "put_${{ item }}", value: 7}}
        - {id: again, uses: t.set, with: {key: "again_${{ item }}", value: "${{ steps.put.outputs.value + 1 }}"}}
    - id: turns
      foreach: [1, 2]
      steps:
        - {id: last, uses: t.set, with: {key: "last_${{ item }}", value: "${{ item }}"}}
`

func TestTwoCrashesSideBySide(t *testing.T) {
	perilous{sideBySide, func(w *world) {
		w.values["seed"] = 1
		w.fails["one"], w.lost["two"] = 1, 1
	}, journal.Succeeded, "again_p:8 again_q:8 again_r:8 five:5 four:4 last_1:1 last_2:2 one:1 put_p:7 put_q:7 put_r:7 seed:1 three:3 two:2", "", []string{
		"look", "all/one", "all/two", "all/nested/four", "all/~finally/five", "each[0]/put", "each[2]/again", "turns[1]/last", "turns[1]", "each", "turns",
	}, nil}.dieEverywhere(t, 50, []int{0, 5})
}

func TestPlanOfStepsSideBySide(t *testing.T) {
	b := newBench(t)
	p, err := b.plan(`  budget: 1m
  steps:
    - id: all
      parallel: true
      steps:
        - {id: one, uses: t.set, with: {key: same, value: 1}}
        - {id: look, uses: t.get, with: {key: same}}
        - {id: two, uses: t.set, with: {key: same, value: 2}}
    - {id: after, uses: t.get, with: {key: same}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if p.Refused != "all/two" || !strings.Contains(p.Steps[3].Reason, "writes same value side by side with step one") {
		t.Errorf("%q %+v", p.Refused, p.Steps[3])
	}
	if s := p.Steps[2]; s.Preview != nil {
		t.Errorf("a look beside a change waits for it: %+v", s.Preview)
	}
}
