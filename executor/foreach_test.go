package executor_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

func TestForeachDoesABlockForEachElement(t *testing.T) {
	b := newBench(t)
	st := b.run(`  budget: 1m
  inputs: {names: {type: list, default: [a, b]}}
  steps:
    - id: outer
      foreach: ${{ inputs.names }}
      steps:
        - id: inner
          foreach: [1, 2]
          steps:
            - {id: put, uses: t.set, with: {key: "k${{ item }}", value: "${{ item }}"}}
            - {id: next, uses: t.set, with: {key: "n${{ item }}", value: "${{ steps.put.outputs.value + 1 }}"}, when: steps.put.status == "succeeded"}
        - {id: name, uses: t.set, with: {key: "${{ item }}", value: 1}}
`)
	b.want(st, journal.Succeeded, "a:1 b:1 k1:1 k2:2 n1:2 n2:3")
	for _, path := range []string{"outer[0]/inner[1]/next", "outer[1]/inner[0]/put", "outer[1]/name"} {
		if st.Steps[path] == nil || st.Steps[path].Status != journal.Succeeded {
			t.Errorf("%s: %+v", path, st.Steps[path])
		}
	}
}

// What was listed when the block began is what is done, also by a resume that
// would list something else.
func TestForeachKeepsItsList(t *testing.T) {
	text := `  budget: 10m
  steps:
    - {id: look, uses: t.get, with: {key: seed}}
    - id: each
      foreach: ["${{ steps.look.outputs.value }}", 8]
      steps:
        - {id: put, uses: t.set, with: {key: "k${{ item }}", value: "${{ item }}"}}
`
	b := newBench(t)
	b.w.values["seed"] = 7
	b.store.dieAfter = 4 // the block began
	if !b.dying(text) {
		t.Fatal("it lived")
	}
	b.w.values["seed"] = 9
	b.want(b.resume(text), journal.Succeeded, "k7:7 k8:8 seed:9")
}

func TestForeachOverWhatIsNotKnown(t *testing.T) {
	b := newBench(t)
	st := b.run(`  budget: 1m
  steps:
    - {id: look, uses: t.get, with: {key: nothing}}
    - id: each
      foreach: ["${{ steps.look.outputs.value }}"]
      steps:
        - {id: put, uses: t.set, with: {key: k, value: 1}}
`)
	b.want(st, journal.Refused, "")
	wantMessage(t, st, "the elements of block each are not known: steps.look.outputs.value")
}

func TestOneTurnFails(t *testing.T) {
	b := newBench(t)
	b.w.fails["b"] = 9
	st := b.run(`  budget: 1m
  steps:
    - id: each
      foreach: [a, b, c]
      steps:
        - {id: put, uses: t.set, with: {key: "${{ item }}", value: 1}}
      rescue:
        - {id: save, uses: t.set, with: {key: "saved_${{ item }}", value: 1}, when: item == "b"}
`)
	b.want(st, journal.Succeeded, "a:1 c:1 saved_b:1")
}

func TestForeachMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"outside of its block": {"    - {id: each, foreach: [a], steps: [{id: put, uses: t.set, with: {key: k, value: 1}}]}\n    - {id: after, uses: t.get, with: {key: k}, when: steps.put.outputs.value == 1}\n", "unknown field put"},
		"item outside":         {"    - {id: a, uses: t.get, with: {key: \"${{ item }}\"}}\n", "unknown name item"},
		"not a list":           {"    - {id: each, foreach: 3, steps: [{id: put, uses: t.set, with: {key: k, value: 1}}]}\n", "expected a list, found a whole number"},
		"of another type":      {"    - {id: each, foreach: [a, b], steps: [{id: put, uses: t.set, with: {key: k, value: \"${{ item }}\"}}]}\n", "expected int, the expression gives string"},
		"one number":           {"    - {id: each, foreach: \"${{ run.elapsed }}\", steps: [{id: put, uses: t.set, with: {key: k, value: 1}}]}\n", "expected list, the expression gives duration"},
		"on a step":            {"    - {id: put, foreach: [a], uses: t.set, with: {key: k, value: 1}}\n", "which belong to a block"},
		"one beside another":   {"    - id: both\n      parallel: true\n      steps:\n        - {id: a, uses: t.get, with: {key: k}}\n        - {id: b, uses: t.get, with: {key: k}, when: steps.a.outputs.value == 1}\n", "unknown field a"},
		"places and no width":  {"    - {id: both, at_once: 2, steps: [{id: a, uses: t.get, with: {key: k}}]}\n", "nothing of it goes on side by side"},
	} {
		b := newBench(t)
		_, found := executor.Compile(source("  budget: 1m\n  steps:\n"+tc.text), b.w.registry(t))
		if !strings.Contains(found.Render(nil), tc.want) {
			t.Errorf("%s: %s", name, found.Render(nil))
		}
	}
}

func TestPlanOfAForeach(t *testing.T) {
	b := newBench(t)
	p, err := b.plan(`  budget: 1m
  steps:
    - id: each
      foreach: [a, b]
      steps:
        - {id: put, uses: t.set, with: {key: "${{ item }}", value: 1}}
    - {id: look, uses: t.get, with: {key: a}}
    - id: later
      foreach: ["${{ steps.look.outputs.value }}"]
      steps:
        - {id: more, uses: t.set, with: {key: "${{ item }}", value: 1}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"steps each: run", "  steps each[0]: run", "    steps put: run", "  steps each[1]: run", "    steps put: run",
		"steps look: run", "steps later: later", "  steps more: later",
	}, decisions(p)); diff != "" {
		t.Error(diff)
	}
	if s := p.Steps[1]; s.Name != "each: a" || p.Steps[2].Preview.Object != "a" {
		t.Errorf("%+v", s)
	}
	if s := p.Steps[6]; s.Reason != "its elements are known after steps.look.outputs.value" {
		t.Errorf("%q", s.Reason)
	}
}

func called(text string) map[string]schema.Source {
	return map[string]schema.Source{"inner": {File: "inner.yaml", Text: []byte("apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: inner, version: 1.0.0}\nspec:\n" + text)}}
}

const inner = `  budget: 30s
  inputs:
    key: {type: string}
    value: {type: int, default: 5}
    wait: {type: duration, default: 1s}
  outputs: {left: steps.put.outputs.value, took: inputs.wait}
  steps:
    - {id: put, uses: t.set, with: {key: "${{ inputs.key }}", value: "${{ inputs.value }}"}}
    - {id: end, uses: t.set, with: {key: "${{ inputs.key }}_end", value: "${{ steps.put.outputs.value + 1 }}"}}
  finally:
    - {id: last, uses: t.set, with: {key: "${{ inputs.key }}_last", value: 1}}
`

const outer = `  budget: 10m
  inputs: {value: {type: int, default: 3}}
  steps:
    - {id: put, uses: t.set, with: {key: mine, value: 1}}
    - {id: first, uses: playbook.run, with: {playbook: inner, inputs: {key: a, value: "${{ inputs.value + steps.put.outputs.value }}"}}}
    - {id: second, uses: playbook.run, with: {playbook: inner, inputs: {key: b, wait: 2s}}, when: steps.first.outputs.left == 4 && steps.first.outputs.took == "1s"}
    - {id: after, uses: t.set, with: {key: after, value: "${{ steps.second.outputs.left }}"}}
`

func TestAPlaybookAsAStep(t *testing.T) {
	b := newBench(t)
	b.calls = called(inner)
	st := b.run(outer)
	b.want(st, journal.Succeeded, "a:4 a_end:5 a_last:1 after:5 b:5 b_end:6 b_last:1 mine:1")
	if st.Steps["second@/end"] == nil || st.Steps["first@/~finally/last"] == nil {
		t.Errorf("%v", b.happened())
	}
	if got := st.Started.Source.Calls["inner"].Text; !strings.Contains(string(got), "name: inner") {
		t.Error("the run does not record what it runs")
	}
}

func TestTwoCrashesInAPlaybookThatIsAStep(t *testing.T) {
	text := strings.Replace(outer, "    - {id: first,", "    - id: all\n      parallel: true\n      steps:\n        - {id: beside, uses: playbook.run, with: {playbook: inner, inputs: {key: c}}}\n    - {id: first,", 1)
	p := perilous{text, func(*world) {}, journal.Succeeded, "a:4 a_end:5 a_last:1 after:5 b:5 b_end:6 b_last:1 c:5 c_end:6 c_last:1 mine:1", "", []string{"all/beside@/end", "first@/put", "second@/~finally/last", "after"}, called(inner)}
	p.dieEverywhere(t, 30, []int{0, 3})
}

func TestBudgetOfAPlaybookThatIsAStep(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.calls = called("  budget: 30s\n  steps: [{id: w, uses: t.wait, with: {key: k}}]\n  finally: [{id: last, uses: t.set, with: {key: last, value: 1}}]\n")
		st := b.run("  budget: 10m\n  steps:\n    - {id: call, uses: playbook.run, with: {playbook: inner}}\n")
		b.want(st, journal.OverBudget, "last:1")
		wantMessage(t, st, "the time of block call is spent (30s)")
	})
}

func TestPlaybooksThatCannotBeSteps(t *testing.T) {
	for name, tc := range map[string]struct{ outer, inner, want string }{
		"not there":       {"with: {playbook: other}", inner, `no playbook "other"`},
		"no name":         {"with: {}", inner, "playbook"},
		"chosen later":    {"with: {playbook: \"${{ run.id }}\"}", inner, "must be known before anything runs"},
		"no such input":   {"with: {playbook: inner, inputs: {kex: a}}", inner, `has no input "kex"`},
		"missing input":   {"with: {playbook: inner}", inner, `needs a value for input "key"`},
		"wrong type":      {"with: {playbook: inner, inputs: {key: a, value: x}}", inner, "expected a whole number"},
		"wrong kind":      {"with: {playbook: inner, inputs: {key: a, value: \"${{ run.id }}\"}}", inner, "expected int, the expression gives string"},
		"itself":          {"with: {playbook: inner}", "  budget: 1s\n  steps: [{id: a, uses: playbook.run, with: {playbook: inner}}]\n", "inner → inner"},
		"its mistake":     {"with: {playbook: inner}", "  budget: 1s\n  steps: [{id: a, uses: t.nothing}]\n", "inner.yaml:6:25: unknown action"},
		"too long":        {"with: {playbook: inner}", "  budget: 1h\n  steps: [{id: a, uses: t.get, with: {key: k}}]\n", "it may take 1h"},
		"another target":  {"with: {playbook: inner}", "  budget: 1s\n  target: {kubernetes: {namespace: x}}\n  steps: [{id: a, uses: t.get, with: {key: k}}]\n", "it acts on Kubernetes, and the target here has none"},
		"protected":       {"with: {playbook: inner}", "  budget: 1s\n  target: {protected: true}\n  steps: [{id: a, uses: t.get, with: {key: k}}]\n", "its target is protected"},
		"with an outcome": {"with: {playbook: inner, inputs: {key: a}}, expect: outputs.left == 1", inner, "cannot have expect"},
		"unknown output":  {"with: {playbook: inner, inputs: {key: a}}}\n    - {id: z, uses: t.get, with: {key: k}, when: steps.call.outputs.lef == 1", inner, "unknown field lef"},
	} {
		src := source("  budget: 1m\n  steps:\n    - {id: call, uses: playbook.run, " + tc.outer + "}\n")
		src.Calls = called(tc.inner)
		_, found := executor.Compile(src, newWorld().registry(t))
		if !strings.Contains(found.Render(nil), tc.want) {
			t.Errorf("%s: %s", name, found.Render(nil))
		}
	}
}

func TestPlanOfAPlaybookAsAStep(t *testing.T) {
	b := newBench(t)
	b.calls = called(inner)
	p, err := b.plan("  budget: 10m\n  steps:\n    - {id: first, uses: playbook.run, with: {playbook: inner, inputs: {key: a}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"steps first: run", "  steps put: run", "  steps end: run", "  finally last: run"}, decisions(p)); diff != "" {
		t.Error(diff)
	}
	if s := p.Steps[1]; s.Path != "first@/put" || s.Preview.Object != "a" {
		t.Errorf("%+v", s)
	}
}
