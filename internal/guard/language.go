package guard

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// functions lists the functions of the language. What is left out either has a
// clock (now), or keeps what a predicate computes, so that a short expression
// over a short list fills the memory (reduce, map, groupBy, repeat, replace), or
// makes a number out of no data (mean, median) or NaN out of text (float).
func functions() []string {
	return []string{
		"all", "any", "none", "one", "count", "filter", "find", "sum", "min", "max", "len", "first", "last", "keys", "values",
		"abs", "ceil", "floor", "round", "int", "string", "duration",
		"trim", "trimPrefix", "trimSuffix", "upper", "lower", "split", "join", "hasPrefix", "hasSuffix", "indexOf",
	}
}

// Borrowed lists the functions of expr that are part of the language.
func Borrowed() []string { return functions() }

// bounded refuses what would cost much before it is even compiled, and gives
// the tree of the rest.
func bounded(source string) (ast.Node, error) {
	if err := limited(source); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return nil, place(err)
	}
	if err := allowed(tree.Node, false); err != nil {
		_ = err.Bind(file.NewSource(source)) // it gives itself, placed
		return nil, &Error{err.Line, err.Column + 1, err.Message}
	}
	return tree.Node, nil
}

// allowed walks the tree. Predicates do not nest: what one of them costs grows
// with the data, what two of them cost with its square.
func allowed(n ast.Node, inPredicate bool) *file.Error {
	refuse := func(format string, args ...any) *file.Error {
		return &file.Error{Location: n.Location(), Message: fmt.Sprintf(format, args...)}
	}
	switch x := n.(type) {
	case *ast.BuiltinNode:
		if !slices.Contains(functions(), x.Name) {
			return refuse("function %s is not part of the language", x.Name)
		}
	case *ast.BinaryNode:
		if x.Operator == ".." || x.Operator == "**" || x.Operator == "^" {
			return refuse("operator %s is not part of the language", x.Operator)
		}
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		return refuse("variables and sequences are not part of the language")
	case *ast.IdentifierNode:
		if x.Value == "$env" {
			return refuse("unknown name $env")
		}
	case *ast.PredicateNode:
		if inPredicate {
			return refuse("a condition on elements cannot hold another one")
		}
		inPredicate = true
	}
	for _, c := range children(n) {
		if err := allowed(c, inPredicate); err != nil {
			return err
		}
	}
	return nil
}

// options are those of every compilation.
func options(env Env, more ...expr.Option) []expr.Option {
	opts := []expr.Option{expr.Env(env.root), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for _, name := range functions() {
		opts = append(opts, expr.EnableBuiltin(name))
	}
	return append(append(opts, ours()...), more...)
}
