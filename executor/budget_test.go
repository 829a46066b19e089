package executor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

const waits = "uses: t.wait, with: {key: w}"

// Whose time ran out decides how the run ends, and is named.
func TestWhoseTimeIsSpent(t *testing.T) {
	for name, tc := range map[string]struct {
		text    string
		status  journal.Status
		message string
		takes   time.Duration
	}{
		"of a step":                    {spec(step("id: w, " + waits + ", timeout: 5s")), journal.FailedRun, "the time of step w is spent (5s)", 5 * time.Second},
		"of a block":                   {spec("    - {id: k, budget: 7s, steps: [{id: w, " + waits + "}]}\n"), journal.OverBudget, "the time of block k is spent (7s)", 7 * time.Second},
		"of the block around":          {spec("    - {id: k, budget: 7s, steps: [{id: l, steps: [{id: w, " + waits + "}]}]}\n"), journal.OverBudget, "the time of block k is spent (7s)", 7 * time.Second},
		"of the playbook":              {spec(step("id: w, " + waits)), journal.OverBudget, "the time of playbook test is spent (1m0s)", time.Minute},
		"of a step in a block":         {spec("    - {id: k, budget: 7s, steps: [{id: w, " + waits + ", timeout: 5s}]}\n"), journal.FailedRun, "the time of step w is spent (5s)", 5 * time.Second},
		"of a verification":            {spec(step("id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value == 1, within: 9s}")), journal.FailedRun, "the time of the verification of step g is spent (9s)", 9 * time.Second},
		"of finally":                   {spec(set("a", 1, "")) + "  finally_budget: 11s\n  finally:\n" + step("id: w, "+waits), journal.OverBudget, "the time of finally of the playbook is spent (11s)", 11 * time.Second},
		"of the finally of a block":    {spec("    - {id: k, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}], finally: [{id: w, " + waits + "}]}\n"), journal.OverBudget, "the time of finally of block k is spent (1m0s)", time.Minute},
		"a step's may be gone on from": {spec(step("id: w, "+waits+", timeout: 5s, on_failure: continue"), set("a", 1, "")), journal.Succeeded, "", 5 * time.Second},
		"a block's may be rescued":     {spec("    - {id: k, budget: 7s, steps: [{id: w, "+waits+"}]}\n") + "  rescue:\n" + set("a", 1, ""), journal.Succeeded, "", 7 * time.Second},
		"the playbook's may not":       {spec(step("id: w, "+waits)) + "  rescue:\n" + set("a", 1, ""), journal.OverBudget, "the time of playbook test", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				st := b.run(tc.text)
				if st.Status != tc.status || took(st) != tc.takes {
					t.Errorf("run %s after %s: %s", st.Status, took(st), st.End.Message)
				}
				wantMessage(t, st, tc.message)
				if strings.Contains(st.End.Step, "~rescue") {
					t.Errorf("decided by %s, which never began", st.End.Step)
				}
			})
		})
	}
}

// The last step failed when the time was over, and is gone on from: there is
// nothing to go on with.
func TestAFailureThatIsGoneOnFromHidesNoSpentTime(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.during["slow"] = func() { time.Sleep(2 * time.Minute) }
		b.w.fails["slow"] = 99
		st := b.run(spec(set("slow", 1, ", timeout: 30s, on_failure: continue")))
		b.want(st, journal.OverBudget, "")
		wantMessage(t, st, "the time of playbook test is spent (1m0s)")
	})
}

// An action that does not look at its context ends when it likes. What follows
// it does not begin when the time is spent by then.
func TestNothingBeginsAfterItsTime(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		status journal.Status
		values string
	}{
		"of the playbook": {spec(set("slow", 1, ""), set("b", 2, "")) + "  finally:\n" + set("f", 1, ""), journal.OverBudget, "f:1 slow:1"},
		"of a block":      {"  budget: 5m\n  steps:\n    - {id: k, budget: 1m, steps: [{id: slow, uses: t.set, with: {key: slow, value: 1}}, {id: b, uses: t.set, with: {key: b, value: 1}}]}\n" + set("c", 3, ""), journal.OverBudget, "slow:1"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(_ *testing.T, b *bench) {
				b.w.landed = func() { time.Sleep(2 * time.Minute); b.w.landed = nil }
				b.want(b.run(tc.text), tc.status, tc.values)
			})
		})
	}
}

// After its deadline a run asks what it announced, and begins nothing.
func TestResumeAfterTheDeadline(t *testing.T) {
	text := spec(set("a", 1, ""), set("b", 2, "")) + "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
	for name, tc := range map[string]struct {
		world  func(*world)
		status journal.Status
		values string
	}{
		"what took effect is known":    {func(w *world) { w.values["a"] = 1 }, journal.OverBudget, "a:1 f:1"},
		"what did not is not done":     {func(*world) {}, journal.OverBudget, "f:1"},
		"what is in doubt is in doubt": {func(w *world) { w.values["a"] = 9 }, journal.InDoubt, "a:9"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.store.dieAfter = 3
				if !b.dying(text) {
					t.Fatal("the process did not die")
				}
				tc.world(b.w)
				time.Sleep(time.Hour)
				st := b.resume(text)
				b.want(st, tc.status, tc.values)
				if b.w.probed["a"] != 1 || b.w.effects["a"] != 0 {
					t.Errorf("asked %d times, %d effects", b.w.probed["a"], b.w.effects["a"])
				}
			})
		})
	}
}

func TestStepThatBeganIsNotPreparedAfterTheDeadline(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, ""))
		b.store.dieAfter = 2 // step.start
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		time.Sleep(time.Hour)
		b.want(b.resume(text), journal.OverBudget, "")
		b.wantHappened("step.start a", "run.resumed", "step.failed a")
	})
}

func TestResumeKeepsTheDeadlineOfABlock(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := "  budget: 10m\n  steps:\n    - {id: k, budget: 1m, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}, {id: w, " + waits + "}]}\n"
		b.store.dieAfter = 4 // run, block, step, intent
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		time.Sleep(40 * time.Second)
		st := b.resume(text)
		b.want(st, journal.OverBudget, "a:1")
		if took(st) != time.Minute {
			t.Errorf("ended after %s", took(st))
		}
	})
}
