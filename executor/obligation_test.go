package executor_test

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

const (
	leaves = "  budget: 1m\n  steps:\n    - {id: a, uses: t.owes, with: {key: a, value: 1}}\n"
	closes = "  budget: 1m\n  steps:\n    - {id: z, uses: t.settles, with: {key: a, value: 0}}\n"
)

func TestWhatIsOwed(t *testing.T) {
	t.Run("left open", func(t *testing.T) {
		b := newBench(t)
		st := b.run(leaves)
		b.want(st, journal.Mitigated, "a:1")
		if len(st.Open) != 1 || st.Open[0].Key != "owed a" || st.Open[0].Step != "a" || !strings.Contains(st.End.Message, "1 left") {
			t.Errorf("%+v: %s", st.Open, st.End.Message)
		}
	})
	t.Run("settled by the run", func(t *testing.T) {
		b := newBench(t)
		st := b.run(leaves + "  finally:\n    - {id: z, uses: t.settles, with: {key: a, value: 0}}\n")
		b.want(st, journal.Succeeded, "a:0")
		if len(st.Open) != 0 {
			t.Errorf("%+v", st.Open)
		}
	})
	t.Run("not taken effect", func(t *testing.T) {
		b := newBench(t)
		b.w.fails["a"] = 1
		b.w.kinds["a"] = func() error { return actions.Refuse("", "no") }
		if st := b.run(leaves); len(st.Open) != 0 {
			t.Errorf("%+v", st.Open)
		}
	})
	t.Run("took effect although the step failed", func(t *testing.T) {
		b := newBench(t)
		st := b.run("  budget: 1m\n  steps:\n    - {id: a, uses: t.owes, with: {key: a, value: 1}, verify: {until: outputs.value == 2, every: 1ms, within: 5ms}}\n")
		b.want(st, journal.FailedRun, "a:1")
		if len(st.Open) != 1 {
			t.Errorf("%+v", st.Open)
		}
	})
	t.Run("over a crash", func(t *testing.T) {
		calm := newBench(t)
		calm.run(leaves)
		for n := 2; n < len(calm.store.events); n++ {
			b := newBench(t)
			b.store.dieAfter = n
			if !b.dying(leaves) {
				t.Fatal("did not die")
			}
			st := b.resume(leaves)
			b.want(st, journal.Mitigated, "a:1")
		}
	})
	t.Run("closed by a person", func(t *testing.T) {
		b := newBench(t)
		st := b.run(leaves)
		if err := b.runner().Close(t.Context(), st, journal.Closed{Key: "something else"}); actions.KindOf(err) != actions.KindInvalid {
			t.Errorf("%v", err)
		}
		if err := b.runner().Close(t.Context(), st, journal.Closed{Key: "owed a", Reason: "by hand", User: "ada"}); err != nil {
			t.Fatal(err)
		}
		again, err := journal.Fold(b.store.events)
		if err != nil || again.Status != journal.Succeeded || len(again.Open) != 0 || st.Status != journal.Succeeded {
			t.Errorf("%s, %v, %v", again.Status, again.Open, err)
		}
	})
}
