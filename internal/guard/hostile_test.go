package guard_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/guard"
)

// hostile lists expressions that would hang or kill the process if they were
// let near it. Those with reduce, ranges and parentheses did, when measured.
func hostile() map[string]string {
	rep := strings.Repeat
	return map[string]string{
		"deep parentheses":        rep("(", 500_000) + "1" + rep(")", 500_000),
		"65 parentheses":          rep("(", 65) + "true" + rep(")", 65),
		"open brackets":           rep("[", 200),
		"deep maps":               rep(`{"a":`, 70) + "1" + rep("}", 70),
		"negations":               rep("!", 1_000_000) + "true",
		"negations, just short":   rep("!", 4000) + "true",
		"minus signs":             rep("-", 4000) + "1 > 0",
		"many terms":              "1" + rep("+1", 6000) + " > 0",
		"many terms, just short":  "1" + rep("+1", 1000) + " > 0",
		"one megabyte":            `"` + rep("a", 1<<20) + `" == ""`,
		"doubling text":           `len(reduce(1..40, #acc + #acc, "a")) > 0`,
		"a large range":           "len(1..100000000) > 0",
		"a range of the limit":    "len(1..999999) > 0",
		"repeated text":           `len(repeat("x", 1000000000)) > 0`,
		"replaced text":           `len(replace(steps.a.outputs.name, "", steps.a.outputs.name)) > 0`,
		"nested predicates":       "all(steps.a.outputs.list, all(steps.a.outputs.list, # > 0))",
		"three nested predicates": "all(steps.a.outputs.list, any(steps.a.outputs.list, one(steps.a.outputs.list, true)))",
		"nested in an argument":   "all(steps.a.outputs.list, len(filter(steps.a.outputs.list, # > 0)) > 0)",
		"mapped text":             `len(map(steps.a.outputs.list, steps.a.outputs.name)) > 0`,
		"grouped":                 "len(groupBy(steps.a.outputs.list, #)) > 0",
		"sorted":                  "len(sortBy(steps.a.outputs.list, #)) > 0",
		"flattened":               "len(flatten(steps.a.outputs.list)) > 0",
		"JSON":                    `fromJSON("[1]") != nil`,
		"powers":                  "2 ** 100000 > 1",
		"variables":               "let x = 1; x > 0",
		"everything there is":     `$env["steps"] != nil`,
		"a clock":                 "now() > date(0)",
		"a mean of nothing":       "mean([]) == 0",
		"text that is no number":  `float("NaN") > 0`,
		"ternaries":               rep("true?", 600) + "true" + rep(":true", 600),
		"a pipe":                  `1..5 | len() > 0`,
	}
}

func TestHostileExpressionsAreRefusedAtOnce(t *testing.T) {
	e := env()
	for name, source := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := processorTime(t)
			_, err := guard.Compile(source, e)
			if err == nil {
				t.Error("accepted")
			}
			if took := processorTime(t) - start; took > time.Second {
				t.Errorf("took %s", took)
			}
			if _, err := guard.CompileValue(source, e); err == nil {
				t.Error("accepted as a value")
			}
		})
	}
}

// processorTime is what the process used: time on the wall is the machine's.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestDataTooLargeIsUnknown(t *testing.T) {
	numbers := make([]any, 100_000)
	for i := range numbers {
		numbers[i] = i
	}
	for source, outputs := range map[string]map[string]any{
		`len(steps.a.outputs.name) > 0`:           {"name": strings.Repeat("x", 300_000)},
		`any(steps.a.outputs.list, # > 5)`:        {"list": numbers},
		`"a" in keys(steps.a.outputs.by_version)`: {"by_version": map[string]any{strings.Repeat("k", 300_000): 1}},
	} {
		g, err := guard.Compile(source, env())
		if err != nil {
			t.Fatal(err)
		}
		if j, err := g.Eval(scope(outputs)); err == nil || j.Truth != guard.Unknown || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%s is %s, %v", source, j.Truth, err)
		}
	}
}

// A backtracking engine would take for ever over (a+)+$.
func TestPatternsTakeLinearTime(t *testing.T) {
	g, err := guard.Compile(`steps.a.outputs.name matches "^(a+)+$"`, env())
	if err != nil {
		t.Fatal(err)
	}
	start := processorTime(t)
	j, err := g.Eval(scope(map[string]any{"name": strings.Repeat("a", 64<<10) + "!"}))
	if took := processorTime(t) - start; err != nil || j.Truth != guard.False || took > time.Second {
		t.Errorf("%s, %v after %s", j.Truth, err, took)
	}
}

// The slowest expression that is still allowed ends in time, either way.
func TestEvaluationEnds(t *testing.T) {
	words := make([]any, 2000)
	for i := range words {
		words[i] = "w"
	}
	source := "all(steps.a.outputs.words, len(" + strings.Repeat("steps.a.outputs.name+", 55) + `"") > 0)`
	g, err := guard.Compile(source, env())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	j, err := g.Eval(scope(map[string]any{"words": words, "name": strings.Repeat("x", 200_000)}))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if err != nil && (j.Truth != guard.Unknown || !strings.Contains(err.Error(), "longer than")) {
		t.Errorf("%s, %v", j.Truth, err)
	}
	t.Logf("%s after %s: %v", j.Truth, time.Since(start), err)
}
