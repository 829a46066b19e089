package guard_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/runbackhq/runback/internal/guard"
)

func TestValueKnowsItsKind(t *testing.T) {
	for source, want := range map[string]string{
		"steps.a.outputs.ready":         "int",
		"steps.a.outputs.ready + 1":     "int",
		"steps.a.outputs.rate":          "number",
		"steps.a.outputs.ready / 2":     "number",
		"steps.a.outputs.name":          "string",
		`steps.a.outputs.name + "x"`:    "string",
		"string(steps.a.outputs.ready)": "string",
		"steps.a.outputs.ok":            "bool",
		"steps.a.outputs.ready > 1":     "bool",
		`duration("3s")`:                "duration",
		"[1, 2]":                        "list",
		`{"a": 1}`:                      "map",
		"steps.a.outputs.by_version":    "map",
		`steps.a.outputs.ok ? 1 : "x"`:  "any",
		"max(steps.a.outputs.ready, 1)": "int",
		"steps.a.outputs.ready ?? 0":    "int",
	} {
		v, err := guard.CompileValue(source, env())
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := v.Kind(); got != want {
			t.Errorf("%s is %s, want %s", source, got, want)
		}
	}
}

func TestValueIsGivenOrToldMissing(t *testing.T) {
	v, err := guard.CompileValue("steps.a.outputs.ready * 2", env())
	if err != nil {
		t.Fatal(err)
	}
	if got, missing, err := v.Eval(scope(map[string]any{"ready": 3})); got != 6 || missing != nil || err != nil {
		t.Errorf("%v, %v, %v", got, missing, err)
	}
	if got, missing, err := v.Eval(scope(nil)); got != nil || len(missing) != 1 || missing[0] != "steps.a.outputs.ready" || err != nil {
		t.Errorf("%v, %v, %v", got, missing, err)
	}
}

func TestMistakeIsPlacedInItsSource(t *testing.T) {
	for source, want := range map[string][2]int{
		"steps.a.outputs.redy > 2":             {1, 17},
		"true &&\n  steps.a.outputs.redy > 2":  {2, 19},
		"true &&\n  reduce([1], # + #acc) > 2": {2, 3},
		"\"日本\" == \"\" && nothing":            {1, 15},
		"(true":                                {1, 5},
	} {
		_, err := guard.Compile(source, env())
		ge, ok := errors.AsType[*guard.Error](err)
		if !ok {
			t.Fatalf("%s: %v", source, err)
		}
		if got := [2]int{ge.Line, ge.Col}; got != want {
			t.Errorf("%q is wrong at %v, want %v: %s", source, got, want, ge.Message)
		}
	}
}

func TestJudgementTellsWhatItSaw(t *testing.T) {
	g, err := guard.Compile("steps.a.outputs.ready > 2 && steps.a.outputs.rate < 0.5", env())
	if err != nil {
		t.Fatal(err)
	}
	j, err := g.Eval(scope(map[string]any{"ready": 3}))
	if err != nil {
		t.Fatal(err)
	}
	want := "steps.a.outputs.ready > 2 && steps.a.outputs.rate < 0.5 is unknown (steps.a.outputs.rate unknown, steps.a.outputs.ready = 3)"
	if j.String() != want || len(j.Missing) != 1 {
		t.Errorf("%s, missing %v", j, j.Missing)
	}
	b, err := json.Marshal(j)
	var back guard.Judgement
	if err != nil || json.Unmarshal(b, &back) != nil || back.Truth != guard.Unknown || back.Source != j.Source {
		t.Errorf("%s, %v", b, err)
	}
	var t2 guard.Truth
	if t2 = guard.True; t2.UnmarshalText([]byte("maybe")) != nil || t2 != guard.Unknown {
		t.Error("a word that is not known counts as an answer")
	}
}
