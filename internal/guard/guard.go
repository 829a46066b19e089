package guard

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// Guard is a compiled condition.
type Guard struct {
	source string
	top    judge
	names  []path

	required []path
}

// Judgement is the value of a guard with what it saw.
type Judgement struct {
	Source  string         `json:"source"`
	Truth   Truth          `json:"truth"`
	Values  map[string]any `json:"values,omitempty"`  // what the named paths held
	Missing []string       `json:"missing,omitempty"` // what was not known
}

// String says it in one line: canary_ready > 0 is false (steps.a.outputs.ready = 0).
func (j Judgement) String() string {
	s := fmt.Sprintf("%s is %s", j.Source, j.Truth)
	if v := j.Seen(); v != "" {
		s += " (" + v + ")"
	}
	return s
}

// Compile compiles a condition and checks that it is one.
func Compile(source string, env Env) (*Guard, error) {
	_, node, err := compile(source, env, expr.AsBool())
	if err != nil {
		return nil, err
	}
	top, err := build(node, env)
	if err != nil {
		return nil, err
	}
	required, optional := needs(node)
	return &Guard{source: source, top: top, names: slices.Concat(required, optional), required: required}, nil
}

// Source gives the condition as it was written.
func (g *Guard) Source() string { return g.source }

// Eval judges the scope. An error of the expression itself (index out of
// range) makes it Unknown, with the error told.
func (g *Guard) Eval(scope map[string]any) (Judgement, error) {
	t, missing, err := g.top(scope)
	j := Judgement{Source: g.source, Truth: t, Values: lookup(g.names, scope)}
	if err != nil {
		j.Truth = Unknown
		return j, fmt.Errorf("%s: %w", g.source, err)
	}
	if t == Unknown {
		j.Missing = missing
	}
	return j, nil
}

// judge evaluates one part of a condition.
type judge func(scope map[string]any) (Truth, []string, error)

// build splits a condition at its logical operators, so that each operand is
// judged on its own, and compiles what remains.
func build(n ast.Node, env Env) (judge, error) {
	switch x := n.(type) {
	case *ast.UnaryNode:
		if x.Operator == "!" || x.Operator == "not" {
			return negation(x.Node, env)
		}
	case *ast.BinaryNode:
		switch x.Operator {
		case "&&", "and":
			return conjunction(x.Left, x.Right, env, false)
		case "||", "or":
			return conjunction(x.Left, x.Right, env, true)
		}
	}
	program, _, err := compile(n.String(), env, expr.AsBool())
	if err != nil {
		return nil, err
	}
	required, optional := needs(n)
	return leaf(program, required, optional), nil
}

func negation(n ast.Node, env Env) (judge, error) {
	inner, err := build(n, env)
	if err != nil {
		return nil, err
	}
	return func(scope map[string]any) (Truth, []string, error) {
		t, missing, err := inner(scope)
		return t.not(), missing, err
	}, nil
}

// conjunction is and; or is its dual: a || b is !(!a && !b).
func conjunction(left, right ast.Node, env Env, dual bool) (judge, error) {
	a, err := build(left, env)
	if err != nil {
		return nil, err
	}
	b, err := build(right, env)
	if err != nil {
		return nil, err
	}
	flip := func(t Truth) Truth {
		if dual {
			return t.not()
		}
		return t
	}
	return func(scope map[string]any) (Truth, []string, error) {
		ta, missing, err := a(scope)
		if err != nil || flip(ta) == False {
			return ta, missing, err
		}
		tb, more, err := b(scope)
		return flip(flip(ta).and(flip(tb))), append(missing, more...), err
	}, nil
}

func leaf(program *vm.Program, required, optional []path) judge {
	return func(scope map[string]any) (Truth, []string, error) {
		if missing := absent(required, scope); len(missing) > 0 {
			return Unknown, missing, nil
		}
		v, err := run(program, scope, required, optional)
		if err != nil {
			return Unknown, nil, err
		}
		b, ok := v.(bool)
		if !ok {
			return Unknown, nil, fmt.Errorf("gave %T, not true or false", v)
		}
		return truth(b), nil, nil
	}
}
