package executor_test

import (
	"testing"

	"github.com/runbackhq/runback/internal/journal"
)

const (
	failing = "uses: t.get, with: {key: none}, verify: {until: outputs.value == 1, within: 1s}"
	refuses = "uses: t.set, with: {key: x, value: -1}"
	doubts  = "uses: t.blind, with: {key: x, value: 1}"
)

// What follows the steps of a playbook depends on how they came out.
func TestRescueAndFinally(t *testing.T) {
	after := "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
	for name, tc := range map[string]struct {
		text   string
		status journal.Status
		values string
		step   string // that decided it
	}{
		"steps that succeed":               {spec(set("a", 1, "")) + after, journal.Succeeded, "a:1 f:1", ""},
		"steps that fail":                  {spec(step("id: a, "+failing), set("b", 1, "")) + after, journal.Succeeded, "f:1 r:1", ""},
		"steps that are refused":           {spec(step("id: a, "+refuses)) + after, journal.FailedRun, "f:1", "a"}, // finally changed something
		"refused after a change":           {spec(set("a", 1, ""), step("id: b, "+refuses)) + after, journal.FailedRun, "a:1 f:1", "b"},
		"steps in doubt":                   {spec(step("id: a, "+doubts)) + after, journal.InDoubt, "", "a"},
		"a rescue that fails":              {spec(step("id: a, "+failing)) + "  rescue:\n" + step("id: r, "+failing) + set("r2", 1, "") + "  finally:\n" + set("f", 1, ""), journal.FailedRun, "f:1", "~rescue/r"},
		"a rescue that is refused":         {spec(step("id: a, "+failing)) + "  rescue:\n" + step("id: r, "+refuses), journal.Refused, "", "~rescue/r"},
		"a finally that fails":             {spec(set("a", 1, "")) + "  finally:\n" + step("id: f, "+failing), journal.FailedRun, "a:1", "~finally/f"},
		"both fail: the steps decide":      {spec(step("id: a, "+failing)) + "  finally:\n" + step("id: f, "+failing), journal.FailedRun, "", "a"},
		"finally in doubt wins":            {spec(step("id: a, "+failing)) + "  finally:\n" + step("id: f, "+doubts), journal.InDoubt, "", "~finally/f"},
		"a failure that is gone on from":   {spec(step("id: a, "+failing+", on_failure: continue"), set("b", 1, "")) + after, journal.Succeeded, "b:1 f:1", ""},
		"a refusal cannot be gone on from": {spec(step("id: a, "+refuses+", on_failure: continue"), set("b", 1, "")), journal.Refused, "", "a"},
		"a doubt cannot be gone on from":   {spec(step("id: a, "+doubts+", on_failure: continue"), set("b", 1, "")), journal.InDoubt, "", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.w.fails["x"] = 1 // what cannot be probed fails, and nobody knows
				st := b.run(tc.text)
				b.want(st, tc.status, tc.values)
				if st.End.Step != tc.step {
					t.Errorf("decided by %q, want %q", st.End.Step, tc.step)
				}
			})
		})
	}
}

func TestBlocks(t *testing.T) {
	block := func(text string) string { return spec("    - {id: k, "+text+"}\n", set("z", 1, "")) }
	for name, tc := range map[string]struct {
		text   string
		status journal.Status
		values string
		block  journal.Status
	}{
		"its steps run in order":             {block("steps: [{id: a, uses: t.set, with: {key: a, value: 1}}, {id: b, uses: t.set, with: {key: b, value: \"${{ steps.a.outputs.value + 1 }}\"}}]"), journal.Succeeded, "a:1 b:2 z:1", journal.Succeeded},
		"a false guard skips all of it":      {block("when: false, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}], finally: [{id: f, uses: t.set, with: {key: f, value: 1}}]"), journal.Succeeded, "z:1", journal.Skip},
		"its failure ends the run":           {block("steps: [{id: a, " + failing + "}]"), journal.FailedRun, "", journal.FailedRun},
		"its failure may be gone on from":    {block("on_failure: continue, steps: [{id: a, " + failing + "}, {id: b, uses: t.set, with: {key: b, value: 1}}]"), journal.Succeeded, "z:1", journal.FailedRun},
		"it may rescue itself":               {block("steps: [{id: a, " + failing + "}], rescue: [{id: r, uses: t.set, with: {key: r, value: 1}}]"), journal.Succeeded, "r:1 z:1", journal.Succeeded},
		"its finally runs when it failed":    {block("steps: [{id: a, " + failing + "}], finally: [{id: f, uses: t.set, with: {key: f, value: 1}}]"), journal.FailedRun, "f:1", journal.FailedRun},
		"its finally has time of its own":    {block("budget: 5s, steps: [{id: w, " + waits + "}], finally: [{id: f, uses: t.set, with: {key: f, value: 1}, timeout: 50s}]"), journal.OverBudget, "f:1", journal.OverBudget},
		"steps after it know how it ended":   {spec("    - {id: k, on_failure: continue, steps: [{id: a, "+failing+"}]}\n", set("b", 1, `, when: steps.k.status == "failed" && steps.a.status == "failed"`)), journal.Succeeded, "b:1", journal.FailedRun},
		"an unknown guard refuses all of it": {spec(step("id: g, uses: t.get, with: {key: none}"), "    - {id: k, when: steps.g.outputs.value == 1, steps: [{id: a, uses: t.set, with: {key: a, value: 1}}]}\n"), journal.Refused, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				st := b.run(tc.text)
				b.want(st, tc.status, tc.values)
				if k := st.Steps["k"]; k == nil && tc.block != "" || k != nil && k.Status != tc.block {
					t.Errorf("the block is %+v, want %s", k, tc.block)
				}
			})
		})
	}
}

func TestGuardsAndInputsThatAreNotKnownRefuse(t *testing.T) {
	const look = "id: g, uses: t.get, with: {key: none}"
	for name, tc := range map[string]struct{ text, message string }{
		"a guard without data":        {spec(step(look), set("a", 1, ", when: steps.g.outputs.value > 0")), "steps.g.outputs.value unknown"},
		"a guard on a skipped step":   {spec(step(look+", when: false"), set("a", 1, ", when: steps.g.outputs.value > 0")), "cannot be decided"},
		"a guard that breaks":         {spec(set("a", 1, ", when: 1 / inputs.zero > 0")), "division by zero"},
		"an input without data":       {spec(step(look), step(`id: a, uses: t.set, with: {key: a, value: "${{ steps.g.outputs.value }}"}`)), "inputs of step a are not known: steps.g.outputs.value"},
		"an expectation without data": {spec(step(look + ", expect: outputs.value > 0")), "expected outputs.value > 0 is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				st := b.run(tc.text + "  inputs: {zero: {type: int, default: 0}}\n")
				b.want(st, journal.Refused, "")
				wantMessage(t, st, tc.message)
			})
		})
	}
}
