package executor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

func source(text string) schema.Source {
	return schema.Source{File: "test.yaml", Text: []byte("apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: test, version: 1.0.0}\nspec:\n" + text)}
}

const typed = `  inputs:
    name: {type: string}
    count: {type: int, default: 3, minimum: 1}
    rate: {type: number, default: 0.5}
    on: {type: bool, default: true}
    wait: {type: duration, default: 90s}
    part: {type: share, default: 5%}
`

func TestInputsAreBoundAllAtOnce(t *testing.T) {
	p := newBench(t).program(spec(set("a", 1, "")) + typed)
	got, err := p.Bind(map[string]string{"name": "x", "count": "5"}, nil)
	want := map[string]any{"name": "x", "count": 5, "rate": 0.5, "on": true, "wait": schema.Duration(90 * time.Second), "part": 0.05}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = p.Bind(map[string]string{"cuont": "1", "count": "0", "rate": "fast", "wait": "90"}, nil)
	bad, ok := errors.AsType[*executor.InputError](err)
	if !ok {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		`input "count": 0 is below the minimum of 1`,
		`input "name": a value is required: --set name=...`,
		`input "rate": expected a number, found text ("fast")`,
		`input "wait": "90" is not a duration: write it like 90s or 2m30s`,
		`playbook test has no input "cuont"`,
	}, bad.Problems); diff != "" || bad.Hint != `did you mean "count"?` {
		t.Errorf("hint %q (-want +got):\n%s", bad.Hint, diff)
	}
}

// A resume reads its inputs from the journal. Expressions see the same values
// of the same types as before.
func TestInputsSurviveTheJournal(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		check := `inputs.name == "7" && inputs.count == 3 && inputs.rate < 0.6 && inputs.on && inputs.wait == duration("90s") && inputs.part == 0.05`
		text := spec(set("a", 1, ""), step(`id: b, uses: t.set, with: {key: b, value: "${{ inputs.count }}"}, when: '`+check+`'`)) + "  inputs:\n    name: {type: string, default: \"7\"}\n" + typed[len("  inputs:\n    name: {type: string}\n"):]
		b.store.dieAfter = 5 // a is done
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		b.want(b.resume(text), journal.Succeeded, "a:1 b:3")
	})
}

func TestTargetIsResolvedAndOverridden(t *testing.T) {
	b := newBench(t)
	p := b.program(spec(set("a", 1, "")) + "  inputs: {ns: {type: string, default: shop}}\n  target:\n    kubernetes: {namespace: \"${{ inputs.ns }}-prod\", cluster: uid}\n")
	for name, tc := range map[string]struct {
		o             executor.Override
		context, name string
	}{
		"as written":  {executor.Override{}, "", "shop-prod"},
		"by flags":    {executor.Override{Context: "c", Namespace: "n"}, "c", "n"},
		"one of them": {executor.Override{Context: "c"}, "c", "shop-prod"},
	} {
		got, err := p.Target(map[string]any{"ns": "shop"}, tc.o)
		if err != nil || got.Kubernetes.Context != tc.context || got.Kubernetes.Namespace != tc.name || got.Kubernetes.Cluster != "uid" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	target, err := p.Target(map[string]any{"ns": "shop"}, executor.Override{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.runner().Pin(t.Context(), target); err == nil {
		t.Error("a cluster other than the one that is named was pinned")
	}
	b.w.identity = "uid"
	if id, err := b.runner().Pin(t.Context(), target); err != nil || id["cluster"] != "uid" {
		t.Errorf("%v, %v", id, err)
	}
}

// What a step says is data. It is never read as an expression, whatever it
// looks like.
func TestValuesAreNeverExpressions(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.run(spec(step(`id: a, uses: t.set, with: {key: "${{ inputs.key }}", value: 1}`)) + "  inputs: {key: {type: string, default: x}}\n")
		p := b.program(spec(step(`id: a, uses: t.set, with: {key: "<${{ inputs.key }}>", value: 1}`)) + "  inputs: {key: {type: string, default: x}}\n")
		b.store.events = nil
		st, err := b.runner().Run(t.Context(), p, executor.Request{ID: "r-2", Inputs: map[string]any{"key": "${{ 1 + 1 }}"}})
		if err != nil {
			t.Fatal(err)
		}
		b.want(st, journal.Succeeded, "<${{ 1 + 1 }}>:1 x:1")
	})
}
