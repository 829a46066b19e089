package guard

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one expression. Expr itself does not bound the nesting of
// parentheses, which kills the process (measured on expr v1.17.8), so the
// source is bounded before it is parsed.
const (
	maxSource = 4096
	maxParens = 64
	maxNodes  = 500
)

// Error is a mistake in an expression. Line and Col count from 1 within its
// source.
type Error struct {
	Line, Col int
	Message   string
}

// Error gives the message.
func (e *Error) Error() string { return e.Message }

// Value is a compiled expression that gives a value.
type Value struct {
	source   string
	program  *vm.Program
	needs    []path
	optional []path
	kind     reflect.Type

	condition *Guard // set where an unknown is a value
}

// CompileValue compiles an expression and checks its types.
func CompileValue(source string, env Env) (*Value, error) {
	program, node, err := compile(source, env)
	if err != nil {
		return nil, err
	}
	required, optional := needs(node)
	return &Value{source: source, program: program, needs: required, optional: optional, kind: node.Type()}, nil
}

// Kind names the type of the value as schema.Type does, or "any".
func (v *Value) Kind() string {
	if v.condition != nil {
		return "bool"
	}
	if v.kind == nil {
		return "any"
	}
	if v.kind == reflect.TypeFor[time.Duration]() {
		return "duration"
	}
	switch v.kind.Kind() {
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "int"
	case reflect.Float64, reflect.Float32:
		return "number"
	case reflect.Bool:
		return "bool"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Map:
		return "map"
	default:
		return "any"
	}
}

// Eval gives the value, or known = false with the names of what is missing.
func (v *Value) Eval(scope map[string]any) (value any, missing []string, err error) {
	if v.condition != nil {
		return v.condition.decide(scope)
	}
	if missing = absent(v.needs, scope); len(missing) > 0 {
		return nil, missing, nil
	}
	value, err = run(v.program, scope, v.needs, v.optional)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", v.source, err)
	}
	return value, nil, nil
}

// compile checks the types of an expression as it was written, and then builds
// the program that is run.
func compile(source string, env Env, opts ...expr.Option) (*vm.Program, ast.Node, error) {
	node, err := bounded(source)
	if err != nil {
		return nil, nil, err
	}
	program, err := expr.Compile(source, options(env, opts...)...)
	if err != nil {
		return nil, nil, place(err)
	}
	// The compiled program carries the types, the parsed tree the shape as it
	// was written; the optimizer may have rewritten the former.
	node.SetType(program.Node().Type())
	if hasDivision(node) {
		if program, err = expr.Compile(source, options(env, append(opts, checkedDivision()...)...)...); err != nil {
			return nil, nil, place(err)
		}
	}
	return program, node, nil
}

func hasDivision(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && b.Operator == "/" || slices.ContainsFunc(children(n), hasDivision)
}

// limited bounds the source: expr's parser recurses as deep as it is told to.
func limited(source string) error {
	if len(source) > maxSource {
		return &Error{1, 1, fmt.Sprintf("the expression has %d bytes, the limit is %d", len(source), maxSource)}
	}
	depth, line, col := 0, 1, 0
	for _, r := range source {
		col++
		switch r {
		case '(', '[', '{':
			if depth++; depth > maxParens {
				return &Error{line, col, "the expression is nested too deeply"}
			}
		case ')', ']', '}':
			depth--
		case '\n':
			line, col = line+1, 0
		}
	}
	return nil
}

func place(err error) error {
	if fe, ok := errors.AsType[*file.Error](err); ok {
		return &Error{max(fe.Line, 1), fe.Column + 1, strings.TrimSpace(fe.Message)}
	}
	return &Error{1, 1, err.Error()}
}
