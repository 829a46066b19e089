package guard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

func functionScope() (guard.Env, map[string]any) {
	list := func(kind string) *schema.Type {
		return &schema.Type{Kind: "list", Elem: &schema.Type{Kind: kind}}
	}
	env := guard.NewEnv().With("n", list("number")).With("i", list("int")).With("a", list("string")).With("b", list("string")).
		With("none", list("number")).With("d", &schema.Type{Kind: "duration"}).With("any", &schema.Type{Kind: "any"})
	return env, map[string]any{
		"n": []any{4.0, 1.0, 3.0, 2.0}, "i": []any{10, 20}, "a": []any{"x", "y", "x"}, "b": []any{"y", "z"}, "none": []any{},
		"d": 90 * time.Second, "any": []any{1, 2},
	}
}

func TestFunctions(t *testing.T) {
	env, scope := functionScope()
	for source, want := range map[string]string{
		"seconds(d)":                    "90",
		"ratio(5, 100)":                 "0.05",
		"percent(5)":                    "0.05",
		"quantile(n, 0.5)":              "2.5",
		"quantile(n, 1.0)":              "4",
		"quantile(n, 0.0)":              "1",
		"quantile(i, 0.95)":             "19.5",
		"quantile(any, 0.5)":            "1.5",
		"average(n)":                    "2.5",
		"unique(a)":                     "[x y]",
		"union(a, b)":                   "[x y z]",
		"intersect(a, b)":               "[y]",
		"except(a, b)":                  "[x]",
		"subset([\"x\"], a)":            "true",
		"subset(b, a)":                  "false",
		"len(except(a, b))":             "1",
		"quantile(n, 0.5) < 3":          "true",
		"d > duration(\"1m\")":          "true",
		"ratio(1, 3) > percent(33)":     "true",
		"\"x\" in intersect(a, b)":      "false",
		"all(except(a, b), # == \"x\")": "true",
	} {
		v, err := guard.CompileValue(source, env)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got, missing, err := v.Eval(scope)
		if err != nil || len(missing) > 0 || fmt.Sprint(got) != want {
			t.Errorf("%s is %v, want %s (%v %v)", source, got, want, missing, err)
		}
	}
}

// No data is no number: a guard that needs one does not pass.
func TestFunctionsOfNothing(t *testing.T) {
	env, scope := functionScope()
	for source, want := range map[string]string{
		"quantile(none, 0.95) < 1":   "there are no numbers",
		"average(none) < 1":          "there are no numbers",
		"ratio(0, 0) < 1":            "division by zero",
		"quantile(n, 2.0) < 1":       "not between 0 and 1",
		"average(any) == average(a)": "is not a number",
	} {
		g, err := guard.Compile(source, env)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		j, err := g.Eval(scope)
		if err == nil || !strings.Contains(err.Error(), want) || j.Truth != guard.Unknown {
			t.Errorf("%s is %s, %v", source, j.Truth, err)
		}
	}
	g, err := guard.Compile("quantile(n, 0.95) < 1", env)
	if err != nil {
		t.Fatal(err)
	}
	if j, err := g.Eval(map[string]any{}); err != nil || j.Truth != guard.Unknown || fmt.Sprint(j.Missing) != "[n]" {
		t.Errorf("%v %v", j, err)
	}
}

func TestFunctionsAreTyped(t *testing.T) {
	env, _ := functionScope()
	for _, source := range []string{"seconds(5) > 1", "quantile(n) > 1", "subset(a, b) > 1", "nothing(a)", "quantile(n, \"x\") > 1"} {
		if _, err := guard.Compile(source, env); err == nil {
			t.Errorf("%s compiles", source)
		}
	}
}
