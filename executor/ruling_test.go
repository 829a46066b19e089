package executor_test

import (
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

const doubtful = "  budget: 1m\n  steps:\n    - {id: a, uses: t.blind, with: {key: a, value: 1}}\n    - {id: b, uses: t.set, with: {key: b, value: 2}}\n"

// inDoubt leaves step a in doubt; landed says whether its effect took place.
func inDoubt(t *testing.T, landed bool) *bench {
	t.Helper()
	b := newBench(t)
	b.store.dieAfter = 3 // run.started, step.start, step.intent
	if !b.dying(doubtful) {
		t.Fatal("the process did not die")
	}
	values := ""
	if landed {
		b.w.values["a"] = 1
		b.w.effects["a"]++
		values = "a:1"
	}
	b.want(b.resume(doubtful), journal.InDoubt, values)
	return b
}

func (b *bench) rule(spec string, rulings ...executor.Ruling) (*journal.State, error) {
	b.t.Helper()
	state, err := journal.Fold(b.store.events)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.runner().Resume(b.t.Context(), b.program(spec), state, rulings...)
}

func TestAPersonDecidesADoubt(t *testing.T) {
	redo, skip := executor.Ruling{Path: "a", Decision: journal.Redo}, executor.Ruling{Path: "a", Decision: journal.SkipIt, Reason: "done by hand"}
	t.Run("redo", func(t *testing.T) {
		b := inDoubt(t, false)
		st, err := b.rule(doubtful, redo)
		if err != nil {
			t.Fatal(err)
		}
		b.want(st, journal.Succeeded, "a:1 b:2")
		if d := st.Steps["a"]; d.Attempt != 2 || d.Decision == nil || d.Decision.Decision != journal.Redo {
			t.Errorf("%+v", d)
		}
	})
	t.Run("redo prepares anew", func(t *testing.T) {
		b := inDoubt(t, false)
		b.w.values["a"] = 9 // what was prepared compares with what was there
		st, err := b.rule(doubtful, redo)
		if err != nil {
			t.Fatal(err)
		}
		b.want(st, journal.Succeeded, "a:1 b:2")
	})
	t.Run("skip", func(t *testing.T) {
		b := inDoubt(t, true)
		st, err := b.rule(doubtful, skip)
		if err != nil {
			t.Fatal(err)
		}
		b.want(st, journal.Succeeded, "a:1 b:2")
		if d := st.Steps["a"]; d.Status != journal.Skip || d.Decision.Reason != "done by hand" {
			t.Errorf("%+v", d)
		}
		b.wantOnce()
	})
	t.Run("nothing to decide", func(t *testing.T) {
		b := inDoubt(t, false)
		for _, path := range []string{"b", "no such step"} {
			before := len(b.store.events)
			_, err := b.rule(doubtful, executor.Ruling{Path: path, Decision: journal.SkipIt})
			if actions.KindOf(err) != actions.KindRefused || len(b.store.events) != before {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
	t.Run("decided twice", func(t *testing.T) {
		b := inDoubt(t, false)
		before := len(b.store.events)
		if _, err := b.rule(doubtful, redo, skip); actions.KindOf(err) != actions.KindRefused || len(b.store.events) != before {
			t.Errorf("%v", err)
		}
	})
	t.Run("a crash after the decision", func(t *testing.T) {
		for n := 1; n <= 6; n++ {
			b := inDoubt(t, false)
			b.store.dieAfter = len(b.store.events) + n
			if !b.dies(func() { _, _ = b.rule(doubtful, redo) }) {
				t.Fatalf("%d: did not die", n)
			}
			st := b.resume(doubtful)
			switch {
			case n == 1: // the decision was not recorded: the doubt stands
				b.want(st, journal.InDoubt, "")
			case st.Status == journal.InDoubt: // announced a second time, and again in doubt
				if b.w.effects["a"] > 1 {
					t.Errorf("%d: written %d times", n, b.w.effects["a"])
				}
			default:
				b.want(st, journal.Succeeded, "a:1 b:2")
				b.wantOnce()
			}
		}
	})
}

// A clock that was set back between two executors gives no time back.
func TestClockSetBackGivesNoTime(t *testing.T) {
	const spec = "  budget: 10s\n  steps:\n    - {id: a, uses: t.set, with: {key: a, value: 1}}\n    - {id: w, uses: t.wait, with: {key: w}}\n"
	for name, jump := range map[string]time.Duration{"an hour back": -time.Hour, "a day back": -24 * time.Hour, "to 1970": -56 * 365 * 24 * time.Hour, "a day on": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.store.dieAfter = 7 // the second step began
				if !b.dying(spec) {
					t.Fatal("the process did not die")
				}
				state, err := journal.Fold(b.store.events)
				if err != nil {
					t.Fatal(err)
				}
				b.store.dieAfter = 0
				r, began := b.runner(), time.Now()
				r.Clock.Now = func() time.Time { return time.Now().Add(jump) }
				st, err := r.Resume(t.Context(), b.program(spec), state)
				if err != nil {
					t.Fatal(err)
				}
				b.want(st, journal.OverBudget, "a:1")
				if took := time.Since(began); took > 11*time.Second {
					t.Errorf("it took %s, the budget is 10s", took)
				}
				for i, e := range b.store.events[1:] {
					if e.Time.Before(b.store.events[i].Time) {
						t.Errorf("event %d is older than the one before", e.Seq)
					}
				}
			})
		})
	}
}
