package guard_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// formula is a condition over atoms, with what it is worth by the laws.
type formula struct {
	source string
	truth  guard.Truth
}

const (
	unknown = guard.Unknown
	no      = guard.False
	yes     = guard.True
)

func not(a formula) formula {
	return formula{"!(" + a.source + ")", map[guard.Truth]guard.Truth{yes: no, no: yes}[a.truth]}
}

func and(op string, a, b formula) formula {
	t := unknown
	switch {
	case a.truth == no || b.truth == no:
		t = no
	case a.truth == yes && b.truth == yes:
		t = yes
	}
	return formula{"(" + a.source + ") " + op + " (" + b.source + ")", t}
}

func or(op string, a, b formula) formula {
	f := not(and(op, not(a), not(b)))
	return formula{"(" + a.source + ") " + op + " (" + b.source + ")", f.truth}
}

func atoms() (map[string]any, []formula, guard.Env) {
	values := map[string]any{"t": true, "f": false, "n": nil}
	e := guard.NewEnv()
	for _, name := range []string{"t", "f", "n", "gone"} {
		e = e.With(name, &schema.Type{Kind: "bool"})
	}
	return values, []formula{{"t", yes}, {"f", no}, {"n", unknown}, {"gone", unknown}, {"true", yes}, {"false", no}, {"n == nil", yes}, {"(gone ?? true)", yes}}, e
}

func evaluated(t *testing.T, f formula, values map[string]any, e guard.Env) guard.Judgement {
	t.Helper()
	g, err := guard.Compile(f.source, e)
	if err != nil {
		t.Fatalf("%s: %v", f.source, err)
	}
	j, err := g.Eval(values)
	if err != nil {
		t.Fatalf("%s: %v", f.source, err)
	}
	return j
}

func TestKleeneTables(t *testing.T) {
	values, atoms, e := atoms()
	for _, a := range atoms {
		for _, b := range atoms {
			for _, f := range []formula{a, not(a), and("&&", a, b), and("and", a, b), or("||", a, b), or("or", a, b)} {
				if j := evaluated(t, f, values, e); j.Truth != f.truth {
					t.Errorf("%s is %s, want %s", f.source, j.Truth, f.truth)
				}
			}
		}
	}
}

// Whatever is built from the operators obeys the same laws: it is worth what
// its parts are worth, in any order, and what is missing is told when it counts.
func TestKleeneLawsHoldForAnyFormula(t *testing.T) {
	values, atoms, e := atoms()
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a repeatable choice, not a secret
	var build func(depth int) formula
	build = func(depth int) formula {
		if depth == 0 {
			return atoms[rnd.IntN(len(atoms))]
		}
		a, b := build(depth-1), build(rnd.IntN(depth))
		return []func() formula{
			func() formula { return not(a) },
			func() formula { return and("&&", a, b) },
			func() formula { return and("and", b, a) },
			func() formula { return or("||", a, b) },
			func() formula { return or("or", b, a) },
		}[rnd.IntN(5)]()
	}
	for range 400 {
		f := build(rnd.IntN(4))
		j := evaluated(t, f, values, e)
		if j.Truth != f.truth {
			t.Errorf("%s is %s, want %s", f.source, j.Truth, f.truth)
		}
		if (j.Truth == unknown) != (len(j.Missing) > 0) {
			t.Errorf("%s is %s, missing %v", f.source, j.Truth, j.Missing)
		}
		if twice := evaluated(t, not(not(f)), values, e); twice.Truth != f.truth {
			t.Errorf("!!(%s) is %s", f.source, twice.Truth)
		}
	}
}

func TestComparisonWithNoDataIsNeverAnAnswer(t *testing.T) {
	for _, op := range []string{"==", "!=", "<", "<=", ">", ">="} {
		for _, outputs := range []map[string]any{{}, {"rate": nil}} {
			for _, source := range []string{"steps.a.outputs.rate %s 0.5", "0.5 %s steps.a.outputs.rate", "steps.a.outputs.rate + 1 %s 0.5", "max(steps.a.outputs.rate, 1) %s 0.5"} {
				g, err := guard.Compile(fmt.Sprintf(source, op), env())
				if err != nil {
					t.Fatal(err)
				}
				if j, err := g.Eval(scope(outputs)); err != nil || j.Truth != unknown {
					t.Errorf("%s is %s, %v", g.Source(), j.Truth, err)
				}
			}
		}
	}
}

func TestErrorOfAnExpressionIsNoAnswer(t *testing.T) {
	known := map[string]any{"ready": 3, "rate": 0.0, "name": "x", "list": []any{1, 2}}
	for _, source := range []string{
		"steps.a.outputs.rate / 0 > 0.05",
		"steps.a.outputs.ready / steps.a.outputs.rate > 0.05",
		"0 / steps.a.outputs.rate < 0.05",
		"1 % int(steps.a.outputs.rate) == 0",
		"steps.a.outputs.list[99999] > 0",
		`duration(steps.a.outputs.name) > duration("1s")`,
		`steps.a.outputs.name matches "("`,
		`int(steps.a.outputs.name) > 0`,
		"min(filter(steps.a.outputs.list, # > 5)) > 0",
	} {
		g, err := guard.Compile(source, env())
		if err != nil {
			continue // seen when it was written, better still
		}
		for _, s := range []*guard.Guard{g} {
			if j, err := s.Eval(scope(known)); err == nil || j.Truth != unknown {
				t.Errorf("%s is %s, %v", source, j.Truth, err)
			}
		}
	}
}

func TestQuestionWhetherSomethingIsThere(t *testing.T) {
	empty := map[string]any{"steps": map[string]any{}}
	notRun := map[string]any{"steps": map[string]any{"a": map[string]any{"status": "skipped"}}}
	for _, values := range []map[string]any{empty, notRun, scope(map[string]any{}), scope(map[string]any{"ready": nil})} {
		for source, want := range map[string]guard.Truth{
			"steps.a.outputs.ready == nil":                                yes,
			"steps.a.outputs.ready != nil":                                no,
			"(steps.a.outputs.ready ?? 7) == 7":                           yes,
			"steps.a.outputs.ready != nil && steps.a.outputs.ready > 2":   no,
			"steps.a.outputs.ready == nil || steps.a.outputs.ready > 2":   yes,
			"steps.a.outputs.ready > 2":                                   unknown,
			"(steps.a.outputs.ready ?? steps.a.outputs.rate) == 7":        unknown,
			`(steps.a.outputs.by_version["x"] ?? 1) == 1`:                 yes,
			`(steps.a.outputs.by_version[steps.a.status] ?? 1) == 1`:      unknown,
			"steps.a.outputs.ready == nil ? true : steps.a.outputs.ok":    unknown, // both branches must be known
			"(steps.a.outputs.ready ?? 0) > 2 or steps.a.outputs.ready>2": unknown,
		} {
			g, err := guard.Compile(source, env())
			if err != nil {
				t.Fatal(err)
			}
			if j, err := g.Eval(values); err != nil || j.Truth != want {
				t.Errorf("%s is %s, %v; want %s in %v", source, j.Truth, err, want, values)
			}
		}
	}
	if len(empty["steps"].(map[string]any)) != 0 {
		t.Error("asking changed the scope")
	}
}
