package guard

import (
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// path is a chain of names from the top of the scope: steps.a.outputs.ready.
type path []string

func (p path) String() string { return strings.Join(p, ".") }

// needs lists the paths that must be known for an expression to have a value,
// and those that may be absent. A path that is compared with nil or stands
// before ?? may: asking whether it is there is the point.
func needs(n ast.Node) (required, optional []path) {
	c := &collector{}
	c.visit(n, false)
	return c.required, c.optional
}

type collector struct{ required, optional []path }

func add(to []path, p path) []path {
	if slices.ContainsFunc(to, func(q path) bool { return slices.Equal(p, q) }) {
		return to
	}
	return append(to, p)
}

func (c *collector) visit(n ast.Node, mayBeAbsent bool) {
	if p, ok := chain(n); ok {
		if mayBeAbsent {
			c.optional = add(c.optional, p)
		} else {
			c.required = add(c.required, p)
		}
		return
	}
	switch x := n.(type) {
	case *ast.BinaryNode:
		nilCompare := (x.Operator == "==" || x.Operator == "!=") && (isNil(x.Left) || isNil(x.Right))
		c.visit(x.Left, nilCompare || x.Operator == "??")
		c.visit(x.Right, nilCompare)
	case *ast.ConditionalNode:
		c.visit(x.Cond, false)
		c.visit(x.Exp1, false)
		c.visit(x.Exp2, false)
	case *ast.CallNode:
		if f, ok := x.Callee.(*ast.IdentifierNode); !ok || !isFunction(f.Value) {
			c.visit(x.Callee, false)
		}
		for _, arg := range x.Arguments {
			c.visit(arg, false)
		}
	default:
		for _, child := range children(n) {
			c.visit(child, false)
		}
	}
}

func isNil(n ast.Node) bool { _, ok := n.(*ast.NilNode); return ok }

// chain reads a.b.c, a["b"].c and a?.b as a path.
func chain(n ast.Node) (path, bool) {
	switch x := n.(type) {
	case *ast.IdentifierNode:
		return path{x.Value}, true
	case *ast.ChainNode:
		return chain(x.Node)
	case *ast.MemberNode:
		head, ok := chain(x.Node)
		key, isText := x.Property.(*ast.StringNode)
		if !ok || !isText || x.Method {
			return nil, false
		}
		return append(slices.Clip(head), key.Value), true
	default:
		return nil, false
	}
}

// absent lists the needed paths that have no value in the scope. NaN is no
// value: every comparison with it is false, so "fail if x > limit" would pass.
func absent(paths []path, scope map[string]any) []string {
	var out []string
	for _, p := range paths {
		if !present(p, scope) {
			out = append(out, p.String())
		}
	}
	return out
}

func present(p path, scope map[string]any) bool {
	var v any = scope
	for _, name := range p {
		m, ok := v.(map[string]any)
		if !ok {
			// A path into something that is not a map (a duration's method, a
			// list's length) is for the expression itself to judge.
			return v != nil
		}
		if v, ok = m[name]; !ok || v == nil {
			return false
		}
	}
	f, isFloat := v.(float64)
	return !isFloat || !math.IsNaN(f)
}

// lookup gives the values of the paths an expression names, for showing why a
// guard came out as it did.
func lookup(paths []path, scope map[string]any) map[string]any {
	out := map[string]any{}
	for _, p := range paths {
		out[p.String()] = at(p, scope)
	}
	return out
}

// at gives the value of a path, or nil.
func at(p path, scope map[string]any) any {
	var v any = scope
	for _, name := range p {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}
