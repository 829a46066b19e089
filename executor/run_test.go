package executor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

func set(id string, value int, more string) string {
	return fmt.Sprintf("    - {id: %s, uses: t.set, with: {key: %s, value: %d}%s}\n", id, id, value, more)
}

func TestRun(t *testing.T) {
	for name, tc := range map[string]struct {
		spec    string
		before  func(*world)
		status  journal.Status
		values  string
		message string
	}{
		"steps run in order":                  {spec: "  budget: 1m\n  steps:\n" + set("a", 1, "") + set("b", 2, ""), status: journal.Succeeded, values: "a:1 b:2"},
		"a false guard skips":                 {spec: "  budget: 1m\n  steps:\n" + set("a", 1, ", when: false") + set("b", 2, ""), status: journal.Succeeded, values: "b:2"},
		"an unknown guard refuses":            {spec: "  budget: 1m\n  steps:\n    - {id: g, uses: t.get, with: {key: g}}\n" + set("a", 1, ", when: steps.g.outputs.value > 0"), status: journal.Refused, message: "cannot be decided"},
		"a false expectation refuses":         {spec: "  budget: 1m\n  steps:\n    - {id: g, uses: t.get, with: {key: g}, expect: [{that: outputs.value == 1, message: not one}]}\n" + set("a", 1, ""), before: func(w *world) { w.values["g"] = 2 }, status: journal.Refused, values: "g:2", message: "not one"},
		"refused after a change is failed":    {spec: "  budget: 1m\n  steps:\n" + set("a", 1, "") + set("b", -1, ""), status: journal.FailedRun, values: "a:1", message: "make things worse"},
		"refused before a change is refused":  {spec: "  budget: 1m\n  steps:\n" + set("b", -1, "") + set("a", 1, ""), status: journal.Refused},
		"a failure is retried":                {spec: "  budget: 1m\n  steps:\n" + set("a", 1, ", retry: {attempts: 3, delay: 1ms}"), before: func(w *world) { w.fails["a"] = 2 }, status: journal.Succeeded, values: "a:1"},
		"attempts end":                        {spec: "  budget: 1m\n  steps:\n" + set("a", 1, ", retry: {attempts: 2, delay: 1ms}"), before: func(w *world) { w.fails["a"] = 2 }, status: journal.FailedRun, message: "did not work"},
		"on_failure continue goes on":         {spec: "  budget: 1m\n  steps:\n" + set("a", 1, ", on_failure: continue") + set("b", 2, ""), before: func(w *world) { w.fails["a"] = 1 }, status: journal.Succeeded, values: "b:2"},
		"rescue runs after a failure":         {spec: "  budget: 1m\n  steps:\n" + set("a", 1, "") + "  rescue:\n" + set("c", 3, ""), before: func(w *world) { w.fails["a"] = 1 }, status: journal.Succeeded, values: "c:3"},
		"rescue does not run after a refusal": {spec: "  budget: 1m\n  steps:\n" + set("a", -1, "") + "  rescue:\n" + set("c", 3, ""), status: journal.Refused},
		"finally runs after a failure":        {spec: "  budget: 1m\n  steps:\n" + set("a", 1, "") + "  finally:\n" + set("f", 9, ""), before: func(w *world) { w.fails["a"] = 1 }, status: journal.FailedRun, values: "f:9"},
		"a lost reply is no second write":     {spec: "  budget: 1m\n  steps:\n" + set("a", 1, ""), before: func(w *world) { w.lost["a"] = 1 }, status: journal.Succeeded, values: "a:1"},
		"a step's timeout fails it":           {spec: "  budget: 1m\n  steps:\n    - {id: w, uses: t.wait, with: {key: w}, timeout: 20ms}\n", status: journal.FailedRun, message: "the time of step w is spent"},
		"a block's budget ends it":            {spec: "  budget: 1m\n  steps:\n    - {id: k, budget: 20ms, steps: [{id: w, uses: t.wait, with: {key: w}}]}\n", status: journal.OverBudget, message: "the time of block k is spent"},
		"the playbook's budget ends it":       {spec: "  budget: 30ms\n  steps:\n    - {id: w, uses: t.wait, with: {key: w}}\n", status: journal.OverBudget, message: "the time of playbook test is spent"},
		"finally has time of its own":         {spec: "  budget: 30ms\n  steps:\n    - {id: w, uses: t.wait, with: {key: w}}\n  finally:\n" + set("f", 9, ""), status: journal.OverBudget, values: "f:9"},
		"what never comes true fails":         {spec: "  budget: 1m\n  steps:\n    - {id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value == 1, every: 1ms, within: 20ms}}\n", status: journal.FailedRun, message: "the verification of step g"},
		"another cluster is refused":          {spec: "  budget: 1m\n  steps:\n" + set("a", 1, ""), before: func(w *world) { w.identity = "two" }, status: journal.Refused, message: "not the target"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if tc.before != nil {
				tc.before(b.w)
			}
			st := b.run(tc.spec)
			b.want(st, tc.status, tc.values)
			if !strings.Contains(st.End.Message, tc.message) {
				t.Errorf("message %q, want %q in it", st.End.Message, tc.message)
			}
			for key, n := range b.w.effects {
				if n != 1 {
					t.Errorf("%s was written %d times", key, n)
				}
			}
		})
	}
}

func TestVerifyStartsItsWindowAnew(t *testing.T) {
	b := newBench(t)
	b.w.values["g"] = 1
	flapped := make(chan struct{})
	go func() {
		defer close(flapped)
		time.Sleep(30 * time.Millisecond)
		b.w.mu.Lock()
		b.w.values["g"] = 0
		b.w.mu.Unlock()
		time.Sleep(30 * time.Millisecond)
		b.w.mu.Lock()
		b.w.values["g"] = 1
		b.w.mu.Unlock()
	}()
	begin := time.Now()
	st := b.run("  budget: 1m\n  steps:\n    - {id: g, uses: t.get, with: {key: g}, verify: {until: outputs.value == 1, every: 2ms, for: 60ms, within: 10s}}\n")
	<-flapped
	b.want(st, journal.Succeeded, "g:1")
	if took := time.Since(begin); took < 115*time.Millisecond {
		t.Errorf("held after %s, the value flapped at 60 ms", took)
	}
}

func TestPlanChangesNothing(t *testing.T) {
	b := newBench(t)
	b.w.values["g"] = 1
	p := b.program("  budget: 1m\n  steps:\n    - {id: g, uses: t.get, with: {key: g}}\n" +
		set("a", 1, "") + set("s", 5, ", when: steps.g.outputs.value == 2") +
		"    - {id: w, uses: t.wait, with: {key: w}}\n    - {id: later, uses: t.get, with: {key: a}}\n" +
		set("open", 1, ", when: steps.later.outputs.value == 1") +
		"    - {id: again, uses: t.set, with: {key: a, value: 0}}\n")
	plan, err := b.runner().Plan(context.Background(), p, executor.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.w.effects) > 0 || len(b.store.events) > 0 || b.w.looks != 1 {
		t.Errorf("effects %v, events %d, looks %d", b.w.effects, len(b.store.events), b.w.looks)
	}
	var got []string
	for _, s := range plan.Steps {
		got = append(got, fmt.Sprintf("%s:%s", s.ID, s.Decision))
	}
	if want := "[g:run a:run s:skip w:run later:run open:later again:run]"; fmt.Sprint(got) != want {
		t.Errorf("decisions %v, want %s", got, want)
	}
	// The world has a at 0 already, but step a would have set it to 1 by then.
	again := plan.Steps[6].Preview
	if len(again.Changes) != 1 || fmt.Sprint(again.Changes[0].Before) != "1" || again.Label != "PREDICTED" {
		t.Errorf("the plan is not chained: %+v", again)
	}
}

func TestPlanIsRefusedWhereTheRunWouldBe(t *testing.T) {
	b := newBench(t)
	p := b.program("  budget: 1m\n  steps:\n" + set("a", -1, "") + set("b", 1, ""))
	plan, err := b.runner().Plan(context.Background(), p, executor.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Refused != "a" || plan.Steps[1].Decision != executor.NoReach {
		t.Errorf("refused at %q, then %s", plan.Refused, plan.Steps[1].Decision)
	}
}
