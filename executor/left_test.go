package executor_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

const leftSpec = `  budget: 1m
  steps:
    - {id: a, uses: t.set, with: {key: a, value: 1}}
    - id: block
      steps:
        - {id: b, uses: t.set, with: {key: b, value: 2}}
        - {id: c, uses: t.set, with: {key: c, value: 3}}
    - {id: d, uses: t.set, with: {key: d, value: "${{ steps.c.outputs.value }}"}}
    - {id: e, uses: t.set, with: {key: e, value: "${{ steps.a.outputs.value ?? 7 }}"}, when: steps.a.status != ""}
  finally:
    - {id: f, uses: t.set, with: {key: f, value: 6}}
`

func TestLeaveOut(t *testing.T) {
	p := newBench(t).program(leftSpec)
	for name, tc := range map[string]struct {
		from string
		skip []string
		want string // paths, or a part of the refusal
	}{
		"a step":                                {"", []string{"a"}, "a"},
		"by its path":                           {"", []string{"block/b"}, "block/b"},
		"from a step in a block":                {"c", nil, "a block/b"},
		"from a block":                          {"block", nil, "a"},
		"from the first":                        {"a", nil, ""},
		"both":                                  {"block", []string{"b"}, "a block/b"},
		"an output that a later step needs":     {"", []string{"c"}, "step d needs steps.c.outputs.value"},
		"the same, by the block around it":      {"", []string{"block"}, "step d needs steps.c.outputs.value"},
		"the same, when the later one goes too": {"", []string{"c", "d"}, "block/c d"},
		"an output that may be absent":          {"", []string{"a", "d"}, "a d"},
		"the needed one comes before":           {"d", nil, "step d needs"},
		"no such step":                          {"", []string{"blok"}, `no step "blok"`},
		"no such beginning":                     {"nope", nil, `no step "nope"`},
		"finally":                               {"f", nil, "cannot begin there"},
	} {
		t.Run(name, func(t *testing.T) {
			paths, err := p.LeaveOut(tc.from, tc.skip)
			got := strings.Join(paths, " ")
			if err != nil {
				got = err.Error()
			}
			if err == nil && got != tc.want || err != nil && (tc.want == "" || !strings.Contains(got, tc.want)) {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// What is left out is not done, not by a resume either, wherever the run died.
func TestLeftOutStaysLeftOut(t *testing.T) {
	left := []journal.LeftOut{{Path: "a", Decided: journal.Decided{Decision: journal.SkipIt, Reason: "done by hand", User: "anna"}}}
	run := func(b *bench) {
		p := b.program(leftSpec)
		inputs, err := p.Bind(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.runner().Run(context.Background(), p, executor.Request{ID: "r-1", Inputs: inputs, Identity: journal.Identity{"cluster": "one"}, Left: left}); err != nil {
			t.Fatal(err)
		}
	}
	const values = "b:2 c:3 d:3 e:7 f:6"
	calm := newBench(t)
	run(calm)
	total := len(calm.store.events)
	for n := 1; n < total; n++ {
		b := newBench(t)
		b.store.dieAfter = n
		if !b.dies(func() { run(b) }) {
			t.Fatalf("%d: did not die", n)
		}
		st := b.resume(leftSpec)
		b.want(st, journal.Succeeded, values)
		a := st.Steps["a"]
		if a.Status != journal.Skip || a.Decision == nil || a.Decision.User != "anna" || a.Decision.Reason != "done by hand" {
			t.Errorf("%d: %+v", n, a)
		}
	}
}

func TestPlanShowsWhatIsLeftOut(t *testing.T) {
	b := newBench(t)
	p := b.program(leftSpec)
	plan, err := b.runner().Plan(t.Context(), p, executor.Request{Left: []journal.LeftOut{{Path: "block/b", Decided: journal.Decided{User: "anna"}}}})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(plan.Steps, func(s executor.Planned) bool { return s.Path == "block/b" })
	if s := plan.Steps[i]; s.Decision != executor.WillSkip || s.Reason != "left out by anna" || s.Preview != nil {
		t.Errorf("%+v", s)
	}
}
