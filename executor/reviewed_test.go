package executor_test

import (
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// A run of a reviewed plan writes what was reviewed and nothing else, also
// when the world moves while it goes on.
func TestOnlyWhatWasReviewed(t *testing.T) {
	const spec = "  budget: 1m\n  steps:\n    - {id: look, uses: t.get, with: {key: seed}}\n    - {id: a, uses: t.set, with: {key: a, value: 1}}\n    - {id: b, uses: t.set, with: {key: b, value: \"${{ steps.look.outputs.value ?? 0 }}\"}}\n"
	for name, tc := range map[string]struct {
		between func(*world)
		status  journal.Status
		values  string
	}{
		"as it was":               {func(*world) {}, journal.Succeeded, "a:1 b:7 seed:7"},
		"done by somebody else":   {func(w *world) { w.values["b"] = 7 }, journal.Succeeded, "a:1 b:7 seed:7"},
		"another value than seen": {func(w *world) { w.values["seed"] = 8 }, journal.FailedRun, "a:1 seed:8"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.w.values["seed"] = 7
			p := b.program(spec)
			req := executor.Request{ID: "r-1", Inputs: map[string]any{}, Identity: journal.Identity{"cluster": "one"}}
			plan, err := b.runner().Plan(t.Context(), p, req)
			if err != nil {
				t.Fatal(err)
			}
			tc.between(b.w)
			req.Reviewed = &journal.Reviewed{Steps: plan.Reviewed()}
			st, err := b.runner().Run(t.Context(), p, req)
			if err != nil {
				t.Fatal(err)
			}
			b.want(st, tc.status, tc.values)
		})
	}
}

func TestDrift(t *testing.T) {
	base := func() *executor.Plan {
		return &executor.Plan{Digest: "d", Identity: journal.Identity{"cluster": "c", "namespace": "n", "user": "ada"}, Steps: []executor.Planned{
			{Path: "a", Effect: "change", Decision: executor.WillRun, State: []byte(`{"uid":"1","list":[1,2]}`), Preview: &actions.Preview{Object: "o", Changes: []actions.FieldChange{{Path: "x", Before: 1, After: 2}}}},
			{Path: "look", Effect: "observe", Decision: executor.WillRun, Outputs: actions.Outputs{"n": 1}},
		}}
	}
	for name, tc := range map[string]struct {
		change func(*executor.Plan)
		want   string
	}{
		"nothing":                 {func(*executor.Plan) {}, ""},
		"who asks":                {func(p *executor.Plan) { p.Identity["user"] = "bob" }, ""},
		"what was only looked at": {func(p *executor.Plan) { p.Steps[1].Outputs = actions.Outputs{"n": 2} }, ""},
		"numbers from JSON":       {func(p *executor.Plan) { p.Steps[0].Preview.Changes[0].Before = 1.0 }, ""},
		"the playbook":            {func(p *executor.Plan) { p.Digest = "e" }, "playbook: digest was d, is e"},
		"the cluster":             {func(p *executor.Plan) { p.Identity["cluster"] = "x" }, "target: cluster was c, is x"},
		"a field before":          {func(p *executor.Plan) { p.Steps[0].Preview.Changes[0].Before = 5 }, "a: o x was 1, is 5"},
		"a field after":           {func(p *executor.Plan) { p.Steps[0].Preview.Changes[0].After = 5 }, "a: o x after the step was 2, is 5"},
		"a field more": {func(p *executor.Plan) {
			p.Steps[0].Preview.Changes = append(p.Steps[0].Preview.Changes, actions.FieldChange{Path: "y", After: 1})
		}, "a: o y was not to be changed, is (absent), to be 1"},
		"a field less":               {func(p *executor.Plan) { p.Steps[0].Preview.Changes = nil }, "a: o x was 1, is 2 already"},
		"another object":             {func(p *executor.Plan) { p.Steps[0].State = []byte(`{"uid":"2","list":[1,2]}`) }, `a: prepared uid was "1", is "2"`},
		"a step that is not run":     {func(p *executor.Plan) { p.Steps[0].Decision = executor.WillSkip }, "a: decision was run, is skip"},
		"a step that is not there":   {func(p *executor.Plan) { p.Steps = p.Steps[:1] }, "look: step was there, is gone"},
		"a step that is now refused": {func(p *executor.Plan) { p.Steps[0].Decision, p.Steps[0].Reason = executor.WouldStop, "no" }, "a: decision was run, is refused (no)"},
	} {
		now := base()
		tc.change(now)
		got := ""
		if found := executor.Drift(base(), now); len(found) > 0 {
			got = found[0].String()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
