package guard

import (
	"time"

	"github.com/expr-lang/expr/types"

	"github.com/runbackhq/runback/schema"
)

// Env is the typed shape of a scope: an object whose fields may be named.
type Env struct{ root types.Map }

// NewEnv makes an empty shape.
func NewEnv() Env { return Env{types.Map{}} }

// With gives a copy of the shape with one more name at the top.
func (e Env) With(name string, t *schema.Type) Env {
	out := types.Map{}
	for k, v := range e.root {
		out[k] = v
	}
	out[name] = exprType(t)
	return Env{out}
}

// Names lists the names at the top.
func (e Env) Names() []string {
	out := make([]string, 0, len(e.root))
	for k := range e.root {
		out = append(out, k)
	}
	return out
}

// exprType gives the expression type of a schema type. Durations are
// time.Duration, so that they compare with duration("30s").
func exprType(t *schema.Type) types.Type {
	switch t.Kind {
	case "string":
		return types.String
	case "int":
		return types.Int
	case "number", "share":
		return types.Float64
	case "bool":
		return types.Bool
	case "duration":
		return types.TypeOf(time.Duration(0))
	case "list":
		return types.Array(exprType(t.Elem))
	case "map":
		return types.Map{types.Extra: exprType(t.Elem)}
	case "object":
		m := types.Map{}
		for _, f := range t.Fields {
			m[f.Name] = exprType(f.Type)
		}
		return m
	default:
		return types.Any
	}
}
