package executor_test

import (
	"context"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// A first signal stops the run at the next safe point: between two steps.
func TestStopWaitsForTheStepThatIsUnderWay(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		text := spec(set("a", 1, ""), "    - {id: k, steps: [{id: b, uses: t.set, with: {key: b, value: 2}}]}\n") + "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
		b.w.during["a"] = func() { close(b.stop) }
		b.want(b.run(text), journal.Cancelled, "a:1")
		b.w.during, b.stop = nil, make(chan struct{})
		b.want(b.resume(text), journal.Succeeded, "a:1 b:2 f:1")
		b.wantOnce()
	})
}

func TestStopBeforeFinallyLeavesItForTheResume(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		text := spec(set("a", 1, "")) + "  finally:\n" + set("f", 1, "")
		b.w.during["a"] = func() { close(b.stop) }
		b.want(b.run(text), journal.Cancelled, "a:1")
		b.w.during, b.stop = nil, make(chan struct{})
		b.want(b.resume(text), journal.Succeeded, "a:1 f:1")
		b.wantOnce()
	})
}

// A second signal stops the run at once, wherever it is. It can be resumed, and
// then goes on as if it had not been stopped.
func TestStopAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		text    string
		world   func(*world)
		stopped string // values when it stopped
		resumed string
	}{
		"while an observation waits":           {spec(step("id: w, uses: t.get, with: {key: w}, verify: {until: outputs.value == 1, within: 30s}"), set("a", 1, "")), nil, "", "a:1 w:1"},
		"while the next attempt is waited for": {spec(set("a", 1, ", retry: {attempts: 9, delay: 4s}")), func(w *world) { w.fails["a"] = 1 }, "", "a:1 w:1"},
		"while there is no answer":             {spec(set("a", 1, "")), func(w *world) { w.down["a"] = 4 }, "", "a:1 w:1"},
		"while a change is verified":           {spec(set("a", 1, ", verify: {until: outputs.value == 1 && inputs.x == 1, for: 10s, within: 30s}")), nil, "a:1", "a:1 w:1"},
		"in a block":                           {spec("    - {id: k, budget: 30s, steps: [{id: a, uses: t.set, with: {key: a, value: 1}, retry: {attempts: 9, delay: 4s}}], rescue: [{id: r, uses: t.set, with: {key: r, value: 1}}], finally: [{id: f, uses: t.set, with: {key: f, value: 1}}]}\n"), func(w *world) { w.fails["a"] = 1 }, "", "a:1 f:1 w:1"},
		"in finally":                           {spec(set("a", 1, "")) + "  finally:\n" + set("f", 1, ", retry: {attempts: 9, delay: 4s}"), func(w *world) { w.fails["f"] = 1 }, "a:1", "a:1 f:1 w:1"},
		"in finally, with nothing in between":  {spec(set("a", 1, "")) + "  finally:\n" + step("id: w2, uses: t.get, with: {key: w}, verify: {until: outputs.value == 1, within: 30s}"), nil, "a:1", "a:1 w:1"},
		"in rescue":                            {spec(step("id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value == 1, within: 1s}")) + "  rescue:\n" + set("r", 1, ", retry: {attempts: 9, delay: 4s}"), func(w *world) { w.fails["r"] = 1 }, "", "r:1 w:1"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				text := tc.text + "  inputs: {x: {type: int, default: 1}}\n"
				if tc.world != nil {
					tc.world(b.w)
				}
				st := b.runUnder(stopAfter(3*time.Second), text)
				b.want(st, journal.Cancelled, tc.stopped)
				wantMessage(t, st, "stopped by the operator")
				if n := count(b, journal.BlockEnd); n > 0 {
					t.Errorf("%d blocks ended, none is over", n)
				}
				if took(st) != 3*time.Second {
					t.Errorf("stopped after %s", took(st))
				}
				b.w.values["w"] = 1
				b.want(b.resume(text), journal.Succeeded, tc.resumed)
				b.wantOnce()
			})
		})
	}
}

// A change that is stopped while it is made may have landed or not. Either way
// it is cancelled, and the resume asks.
func TestStopInTheMiddleOfAChange(t *testing.T) {
	for name, tc := range map[string]struct {
		said    []actions.Verdict
		between func(*world)
		status  journal.Status
		effects int
	}{
		"it did not land":       {nil, func(*world) {}, journal.Succeeded, 1},
		"it landed":             {[]actions.Verdict{actions.Applied, actions.Applied}, func(*world) {}, journal.Succeeded, 0},
		"nobody could say":      {[]actions.Verdict{actions.Unknown}, func(*world) {}, journal.Succeeded, 1},
		"somebody went between": {nil, func(w *world) { w.values["a"] = 9 }, journal.InDoubt, 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				text := spec(set("a", 1, ", retry: {attempts: 3}"))
				b.w.during["a"] = func() { time.Sleep(5 * time.Second) }
				b.w.verdicts["a"] = tc.said
				if st := b.runUnder(stopAfter(3*time.Second), text); st.Status != journal.Cancelled {
					t.Fatalf("run %s: %s", st.Status, st.End.Message)
				}
				b.w.during = nil
				tc.between(b.w)
				if st := b.resume(text); st.Status != tc.status || b.w.effects["a"] != tc.effects || b.w.prepared["a"] != 1 {
					t.Errorf("run %s, %d effects, prepared %d times: %s", st.Status, b.w.effects["a"], b.w.prepared["a"], st.End.Message)
				}
			})
		})
	}
}

// The step that is under way may end well in spite of the stop. The next does
// not begin.
func TestNothingBeginsAfterAStop(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		ctx, cancel := context.WithCancelCause(context.Background())
		b.w.landed = func() { cancel(executor.Stopped(context.Canceled)) }
		text := spec(set("a", 1, ""), set("b", 2, "")) + "  finally:\n" + set("f", 1, "")
		b.want(b.runUnder(ctx, text), journal.Cancelled, "a:1")
		b.wantHappened("step.start a", "step.intent a", "step.acted a", "step.done a")
		b.w.landed = nil
		b.want(b.resume(text), journal.Succeeded, "a:1 b:2 f:1")
		b.wantOnce()
	})
}

func TestAnotherTargetIsNotResumed(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, ""), set("b", 2, ""))
		b.store.dieAfter = 5
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		b.w.identity = "two"
		state, err := journal.Fold(b.store.events)
		if err != nil {
			t.Fatal(err)
		}
		events := len(b.store.events)
		b.store.dieAfter = 0
		if _, err := b.runner().Resume(context.Background(), b.program(text), state); err == nil || len(b.store.events) != events {
			t.Errorf("%v, %d events more", err, len(b.store.events)-events)
		}
	})
}

// The target is asked again before each change: a context may be pointed
// elsewhere while a run goes on.
func TestTargetThatChangesOnTheWayIsRefused(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.during["a"] = func() { b.w.identity = "two" }
		st := b.run(spec(set("a", 1, ""), set("b", 2, "")))
		b.want(st, journal.FailedRun, "a:1") // refused, but something was changed
		wantMessage(t, st, "not the target that was planned")
		if s := st.Steps["b"]; s.Status != journal.Refused {
			t.Errorf("step b is %s", s.Status)
		}
	})
}
