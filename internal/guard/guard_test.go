package guard_test

import (
	"math"
	"testing"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

func env() guard.Env {
	num, i, b, s := &schema.Type{Kind: "number"}, &schema.Type{Kind: "int"}, &schema.Type{Kind: "bool"}, &schema.Type{Kind: "string"}
	out := &schema.Type{Kind: "object", Fields: []schema.Field{{Name: "ready", Type: i}, {Name: "rate", Type: num}, {Name: "ok", Type: b}, {Name: "name", Type: s},
		{Name: "by_version", Type: &schema.Type{Kind: "map", Elem: i}}, {Name: "list", Type: &schema.Type{Kind: "list", Elem: i}}, {Name: "words", Type: &schema.Type{Kind: "list", Elem: s}}}}
	step := &schema.Type{Kind: "object", Fields: []schema.Field{{Name: "outputs", Type: out}, {Name: "status", Type: s}}}
	return guard.NewEnv().With("steps", &schema.Type{Kind: "object", Fields: []schema.Field{{Name: "a", Type: step}}})
}

func scope(outputs map[string]any) map[string]any {
	return map[string]any{"steps": map[string]any{"a": map[string]any{"outputs": outputs, "status": "done"}}}
}

func TestGuardIsThreeValued(t *testing.T) {
	known := map[string]any{"ready": 3, "rate": 0.5, "ok": true, "name": "x", "by_version": map[string]any{"stable": 2}}
	for _, tc := range []struct {
		source  string
		outputs map[string]any
		want    guard.Truth
	}{
		{"steps.a.outputs.ready > 2", known, guard.True},
		{"steps.a.outputs.ready > 3", known, guard.False},
		{"steps.a.outputs.ready > 2", map[string]any{}, guard.Unknown},
		{"steps.a.outputs.ready == 0", map[string]any{"ready": nil}, guard.Unknown},
		{"!(steps.a.outputs.ready > 2)", map[string]any{}, guard.Unknown},
		{"false && steps.a.outputs.ready > 2", map[string]any{}, guard.False},
		{"steps.a.outputs.ready > 2 && false", map[string]any{}, guard.False},
		{"steps.a.outputs.ready > 2 and true", map[string]any{}, guard.Unknown},
		{"steps.a.outputs.ready > 2 || true", map[string]any{}, guard.True},
		{"steps.a.outputs.ready > 2 or false", map[string]any{}, guard.Unknown},
		{"not (steps.a.outputs.ready > 2 || true)", map[string]any{}, guard.False},
		{"steps.a.outputs.rate > 0.1", map[string]any{"rate": math.NaN()}, guard.Unknown},
		{"steps.a.outputs.rate <= 0.1", map[string]any{"rate": math.NaN()}, guard.Unknown},
		{"steps.a.outputs.ready == nil", map[string]any{}, guard.True},
		{"(steps.a.outputs.ready ?? 0) == 0", map[string]any{}, guard.True},
		{`steps.a.outputs.by_version["stable"] == 2`, known, guard.True},
		{`steps.a.outputs.by_version["other"] == 2`, known, guard.Unknown},
		{`(steps.a.outputs.by_version["other"] ?? 0) == 0`, known, guard.True},
		{`steps.a.status == "done"`, map[string]any{}, guard.True},
	} {
		g, err := guard.Compile(tc.source, env())
		if err != nil {
			t.Errorf("%s: %v", tc.source, err)
			continue
		}
		j, err := g.Eval(scope(tc.outputs))
		if err != nil || j.Truth != tc.want {
			t.Errorf("%s = %s, %v; want %s", tc.source, j.Truth, err, tc.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, source := range []string{
		"steps.a.outputs.redy > 2",         // no such output
		"steps.b.outputs.ready > 2",        // no such step
		"steps.a.outputs.ready",            // not a condition
		`steps.a.outputs.ready == "three"`, // types differ
		"steps.a.outputs.ready >",          // syntax
		"nothing > 1",
		"now() > now()", // an action or guard has no clock
	} {
		if _, err := guard.Compile(source, env()); err == nil {
			t.Errorf("%s: accepted", source)
		}
	}
}
