package guard

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// checkedDivision makes a division by zero an error. Expr gives infinity, or
// for 0/0 a NaN with which every comparison is false: "stop if errors/requests
// > 5%" would pass when there were no requests at all.
func checkedDivision() []expr.Option {
	return []expr.Option{
		expr.Function("divide", func(args ...any) (any, error) { return divide(args[0], args[1]) }, new(func(any, any) float64)),
		expr.Patch(division{}),
	}
}

type division struct{}

// Visit replaces a / b by divide(a, b).
func (division) Visit(n *ast.Node) {
	if b, ok := (*n).(*ast.BinaryNode); ok && b.Operator == "/" {
		ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: "divide"}, Arguments: []ast.Node{b.Left, b.Right}})
	}
}

func divide(a, b any) (float64, error) {
	x, err := float(a)
	if err != nil {
		return 0, err
	}
	y, err := float(b)
	if err == nil && y == 0 {
		err = errors.New("division by zero")
	}
	return x / y, err
}

func float(v any) (float64, error) {
	r := reflect.ValueOf(v)
	switch {
	case r.IsValid() && r.CanInt():
		return float64(r.Int()), nil
	case r.IsValid() && r.CanFloat():
		return r.Float(), nil
	default:
		return 0, fmt.Errorf("%T is not a number", v)
	}
}
