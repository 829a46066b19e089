package guard

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// maxData bounds the values an expression works on: bytes of text, and
// valueSize for everything else.
const (
	maxData   = 256 << 10
	valueSize = 8
)

// evalTime is how long one evaluation may take. The bounds on source and data
// keep a usual one below a millisecond; this is for the one nobody thought of.
// It is counted in turns, because a process that was frozen meanwhile, as by a
// machine that sleeps, is not an expression that takes long.
const (
	evalTime = time.Second
	evalTurn = 50 * time.Millisecond
)

// run evaluates a program. An evaluation cannot be stopped, so one that takes
// too long is left behind; it works on a copy of the scope, because the run
// goes on to change the scope.
func run(program *vm.Program, scope map[string]any, paths, optional []path) (any, error) {
	left := maxData
	for _, p := range paths {
		if left = weigh(at(p, scope), left); left < 0 {
			return nil, fmt.Errorf("%s is too large for an expression", p)
		}
	}
	scope = snapshot(scope, optional)
	done := make(chan result, 1)
	go func() {
		v, err := expr.Run(program, scope)
		done <- result{v, err}
	}()
	r, over := await(done, time.After)
	if !over {
		return nil, fmt.Errorf("the expression took longer than %s", evalTime)
	}
	if fe, ok := errors.AsType[*file.Error](r.err); ok {
		return nil, errors.New(fe.Message)
	}
	return r.value, r.err
}

type result struct {
	value any
	err   error
}

// await waits for an evaluation, and says whether it was over in time.
func await(done <-chan result, after func(time.Duration) <-chan time.Time) (result, bool) {
	for range evalTime / evalTurn {
		select {
		case r := <-done:
			return r, true
		case <-after(evalTurn):
		}
	}
	return result{}, false
}

// weigh takes the size of a value off what is left.
func weigh(v any, left int) int {
	left -= valueSize
	switch x := v.(type) {
	case string:
		left -= len(x)
	case []any:
		for i := 0; i < len(x) && left >= 0; i++ {
			left = weigh(x[i], left)
		}
	case map[string]any:
		for k, e := range x {
			if left -= len(k); left < 0 {
				break
			}
			left = weigh(e, left)
		}
	}
	return left
}

// snapshot copies the scope as deep as a run changes it: the names at the top
// and the names below them. Paths that may be absent get what leads to them,
// so that asking for their last name gives nil.
func snapshot(scope map[string]any, optional []path) map[string]any {
	out := maps.Clone(scope)
	for name, v := range out {
		if m, ok := v.(map[string]any); ok {
			out[name] = maps.Clone(m)
		}
	}
	for _, p := range optional {
		m := out
		for _, name := range p[:len(p)-1] {
			child, isMap := m[name].(map[string]any)
			if !isMap && m[name] != nil {
				break
			}
			child = maps.Clone(child)
			if child == nil {
				child = map[string]any{}
			}
			m[name] = child
			m = child
		}
	}
	return out
}
