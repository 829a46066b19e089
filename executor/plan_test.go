package executor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
)

func (b *bench) plan(text string) (*executor.Plan, error) {
	b.t.Helper()
	p := b.program(text)
	inputs, err := p.Bind(nil, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.runner().Plan(context.Background(), p, executor.Request{Inputs: inputs})
}

// decisions tells a plan in short: each step, indented, with what becomes of it.
func decisions(p *executor.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, fmt.Sprintf("%s%s %s: %s", strings.Repeat("  ", s.Depth), s.Section, s.ID, s.Decision))
	}
	return out
}

// Where the run would go on without an observation, so does the plan: what it
// would have told is unknown.
func TestPlanGoesOnWithoutAnObservation(t *testing.T) {
	const looks = "id: g, uses: t.get, with: {key: g}"
	b := newBench(t)
	b.w.down["g"] = 2
	if _, err := b.plan(spec(step(looks))); err == nil || !strings.Contains(err.Error(), "no answer from g") {
		t.Errorf("without leave to go on: %v", err)
	}
	p, err := b.plan(spec(step(looks+", on_failure: continue"), step(`id: a, uses: t.ask, with: {is: "${{ steps.g.outputs.value > 0 }}"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Steps[0]; s.Outputs != nil || !strings.Contains(s.Reason, "goes on without it: no answer from g") || p.Refused != "" {
		t.Errorf("%+v", s)
	}
	if said := p.Steps[1].Outputs["said"]; said != "unknown" {
		t.Errorf("what follows from it is %v", said)
	}
}

func TestPlanDecidesEveryStep(t *testing.T) {
	const known, none = "id: g, uses: t.get, with: {key: seed}", "id: n, uses: t.get, with: {key: none}"
	for name, tc := range map[string]struct {
		text    string
		want    []string
		refused string
		changes int
	}{
		"what is known is decided": {spec(step(known), set("a", 1, ", when: steps.g.outputs.value == 7"), set("s", 1, ", when: steps.g.outputs.value == 8")),
			[]string{"steps g: run", "steps a: run", "steps s: skip"}, "", 1},
		"what is not known is refused": {spec(step(none), set("a", 1, ", when: steps.n.outputs.value == 7"), set("b", 1, "")),
			[]string{"steps n: run", "steps a: refused", "steps b: not reached"}, "a", 0},
		"what is known later is left open": {spec(set("a", 1, ""), step("id: l, uses: t.get, with: {key: a}"), set("b", 1, ", when: steps.l.outputs.value == 1"), set("c", 1, ", when: steps.a.outputs.value == 1")),
			[]string{"steps a: run", "steps l: run", "steps b: later", "steps c: later"}, "", 3},
		"a guard that breaks is refused": {spec(step(known), set("a", 1, ", when: 1 / (steps.g.outputs.value - 7) > 0")),
			[]string{"steps g: run", "steps a: refused"}, "a", 0},
		"an expectation that fails": {spec(step(known+", expect: outputs.value == 8"), set("a", 1, "")) + "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, ""),
			[]string{"steps g: refused", "steps a: not reached", "rescue r: not reached", "finally f: run"}, "g", 1},
		"an expectation behind a verification": {spec(step(known+", verify: {until: outputs.value == 8}, expect: outputs.value == 8"), set("a", 1, "")),
			[]string{"steps g: run", "steps a: run"}, "", 1},
		"an action that refuses":                  {spec(set("a", -1, ""), set("b", 1, "")), []string{"steps a: refused", "steps b: not reached"}, "a", 0},
		"a refusal after a change is not certain": {spec(set("b", 1, ""), set("a", -1, "")), []string{"steps b: run", "steps a: later"}, "", 2},
		"a rescue is never certain": {spec(set("a", 1, "")) + "  rescue:\n" + set("r", 1, "") + set("s", 1, ", when: false"),
			[]string{"steps a: run", "rescue r: later", "rescue s: skip"}, "", 1},
		"blocks": {spec(step(known), "    - {id: k, when: steps.g.outputs.value == 7, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}], rescue: [{id: r, "+waits+"}], finally: [{id: f, "+waits+"}]}\n"),
			[]string{"steps g: run", "steps k: run", "  steps a: run", "  rescue r: later", "  finally f: run"}, "", 1},
		"a block that is skipped": {spec("    - {id: k, when: false, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}]}\n", set("b", 1, "")), []string{"steps k: skip", "steps b: run"}, "", 1},
		"a block that is left open": {spec(set("a", 1, ""), "    - {id: k, when: steps.a.outputs.value == 1, steps: [{id: b, uses: t.set, with: {key: b, value: 1}}, {id: c, uses: t.get, with: {key: seed}}]}\n"),
			[]string{"steps a: run", "steps k: later", "  steps b: later", "  steps c: later"}, "", 2},
		"a block that is refused": {spec(step(none), "    - {id: k, when: steps.n.outputs.value == 1, steps: [{id: b, uses: t.set, with: {key: b, value: 1}}]}\n"), []string{"steps n: run", "steps k: refused"}, "k", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.w.values["seed"] = 7
			p, err := b.plan(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, decisions(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if p.Refused != tc.refused || p.Changes() != tc.changes {
				t.Errorf("refused at %q, %d changes", p.Refused, p.Changes())
			}
			if len(b.w.effects) > 0 || len(b.store.events) > 0 {
				t.Errorf("a plan made %v and wrote %d events", b.w.effects, len(b.store.events))
			}
		})
	}
}

// A plan runs no change, and no observation that says beforehand what it does.
// It looks only while what it sees is what the run will see.
func TestPlanRunsOnlyWhatLooks(t *testing.T) {
	b := newBench(t)
	forbidden := func(context.Context, *actions.Call, getIn, struct{}) (getOut, error) {
		t.Error("it was run")
		return getOut{}, nil
	}
	tell := func(context.Context, *actions.Call, getIn, struct{}) (actions.Preview, error) {
		return actions.Preview{Label: actions.Opaque, Summary: "told"}, nil
	}
	r := b.runner()
	for _, def := range []actions.Def[getIn, struct{}, getOut]{
		{Name: "t.observe", Preview: tell, Run: forbidden},
		{Name: "t.change", Effect: actions.Change, Preview: tell, Run: forbidden},
		{Name: "t.destroy", Effect: actions.Destroy, Preview: tell, Run: forbidden},
	} {
		r.Registry[def.Name] = actions.Define(def)
	}
	text := "  budget: 1m\n  steps:\n    - {id: a, uses: t.observe, with: {key: a}}\n    - {id: b, uses: t.get, with: {key: a}}\n    - {id: c, uses: t.change, with: {key: a}}\n    - {id: d, uses: t.get, with: {key: a}}\n    - {id: e, uses: t.destroy, with: {key: a}}\n"
	p, found := executor.Compile(source(text), r.Registry)
	if len(found) > 0 {
		t.Fatal(found)
	}
	plan, err := r.Plan(t.Context(), p, executor.Request{})
	if err != nil || b.w.looks != 1 {
		t.Errorf("%v, %d looks", err, b.w.looks)
	}
	if d := plan.Steps[3].Preview; d == nil || d.Summary != "looks after c" || plan.Steps[3].Outputs != nil {
		t.Errorf("a look after a change is %+v", plan.Steps[3])
	}
}

func TestPlanThatCannotBeMade(t *testing.T) {
	for name, tc := range map[string]struct {
		world   func(*world)
		message string
	}{
		"no answer": {func(w *world) { w.down["g"] = 1 }, "no answer from g"},
	} {
		b := newBench(t)
		tc.world(b.w)
		if _, err := b.plan(spec(step("id: g, uses: t.get, with: {key: g}"))); err == nil || !strings.Contains(err.Error(), tc.message) || actions.KindOf(err) != actions.KindUnreachable {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := newBench(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("by a test"))
	p := b.program(spec(step("id: g, uses: t.get, with: {key: g}")))
	if _, err := b.runner().Plan(ctx, p, executor.Request{}); err == nil || !strings.Contains(err.Error(), "by a test") {
		t.Errorf("%v", err)
	}
}

// What a plan resolved is what the run would do, with what it cannot know told.
func TestPlanTellsWhatItKnows(t *testing.T) {
	b := newBench(t)
	b.w.values["seed"] = 7
	p, err := b.plan(spec(step("id: g, uses: t.get, with: {key: seed}"), step(`id: a, uses: t.set, with: {key: a, value: "${{ steps.g.outputs.value }}"}`), step(`id: b, uses: t.set, with: {key: b, value: "${{ steps.a.outputs.value }}"}`), set("c", 0, "")))
	if err != nil {
		t.Fatal(err)
	}
	a, later, none := p.Steps[1], p.Steps[2], p.Steps[3]
	if string(a.State) != `{"before":0}` || len(a.Preview.Changes) != 1 || fmt.Sprint(a.Preview.Changes[0].After) != "7" || a.Undo != "a test" {
		t.Errorf("a: %+v", a)
	}
	if later.Preview.Label != actions.Opaque || later.Preview.Summary != "known after steps.a.outputs.value" {
		t.Errorf("b: %+v", later.Preview)
	}
	if len(none.Preview.Changes) != 0 || len(none.Preview.Assumes) != 1 {
		t.Errorf("c: %+v", none.Preview)
	}
}
