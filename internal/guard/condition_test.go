package guard_test

import (
	"testing"

	"github.com/runbackhq/runback/internal/guard"
)

// A condition as a value says what a guard of the same text would say, and an
// unknown is a value of its own instead of something that is missing.
func TestConditionIsJudgedAsAGuard(t *testing.T) {
	values, parts, env := atoms()
	for _, a := range parts {
		for _, b := range parts {
			for _, f := range []formula{and("&&", a, b), or("||", a, not(b))} {
				c, err := guard.CompileCondition(f.source, env)
				if err != nil {
					t.Fatal(err)
				}
				v, missing, err := c.Eval(values)
				want := map[guard.Truth]any{yes: true, no: false, unknown: nil}[f.truth]
				if v != want || len(missing) > 0 || err != nil || c.Kind() != "bool" {
					t.Errorf("%s is %v, missing %v, %v; want %v", f.source, v, missing, err, want)
				}
			}
		}
	}
	if _, err := guard.CompileCondition("1 + 1", env); err == nil {
		t.Error("a number is taken for a condition")
	}
}
