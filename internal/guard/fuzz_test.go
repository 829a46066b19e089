package guard_test

import (
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/guard"
)

// No source takes long, kills the process, or gives an answer when compiling
// it twice would give another.
func FuzzGuard(f *testing.F) {
	for _, source := range hostile() {
		if len(source) < 5000 {
			f.Add(source)
		}
	}
	for _, source := range []string{
		"steps.a.outputs.ready > 2 && !(steps.a.outputs.ok || false)", `steps.a.outputs.name matches "a.*" or "a" in keys(steps.a.outputs.by_version)`,
		"any(steps.a.outputs.list, # > 1)", "steps?.a?.outputs == nil", "(steps.a.outputs.rate ?? 0) / 2 < 1", "not (1 in [1,2]) ? true : false", `"\u00e9\x41" contains 'A'`, "-1 < 0x10 /* c */",
	} {
		f.Add(source)
	}
	e := env()
	known := scope(map[string]any{"ready": 3, "rate": 0.5, "ok": true, "name": "x", "list": []any{1, 2}, "by_version": map[string]any{"a": 1}})
	f.Fuzz(func(t *testing.T, source string) {
		start := time.Now()
		g, err := guard.Compile(source, e)
		if v, verr := guard.CompileValue(source, e); verr == nil {
			_, _, _ = v.Eval(known)
			if err != nil {
				return // a value that is no condition
			}
		}
		if err != nil {
			return
		}
		for _, values := range []map[string]any{known, scope(nil), {}} {
			a, errA := g.Eval(values)
			b, errB := g.Eval(values)
			if a.Truth != b.Truth || (errA == nil) != (errB == nil) {
				t.Errorf("%s is %s and %s", source, a.Truth, b.Truth)
			}
			if errA != nil && a.Truth != guard.Unknown {
				t.Errorf("%s is %s with the error %v", source, a.Truth, errA)
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
