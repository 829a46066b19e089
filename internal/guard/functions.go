package guard

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/expr-lang/expr"
)

// Function is a function of ours, beside those of expr.
type Function struct {
	Name string
	Use  string // how it is written
	Doc  string
	call func(args ...any) (any, error)
	typ  any // new(func(...) ...): what expr checks its use against
}

// Functions lists our functions. None of them makes a value out of no data: a
// share of nothing and a quantile of nothing are errors, which no guard passes.
func Functions() []Function {
	type list = []any
	return []Function{
		{"seconds", "seconds(run.elapsed)", "a duration as a number of seconds", seconds, new(func(time.Duration) float64)},
		{"ratio", "ratio(failed, all)", "one number by another, 0.05 for 5 of 100; the second may not be zero", func(a ...any) (any, error) { return divide(a[0], a[1]) }, new(func(any, any) float64)},
		{"percent", "percent(5)", "a percentage as a share: percent(5) is 0.05", percent, new(func(any) float64)},
		{"quantile", "quantile(list, 0.95)", "the value below which that share of the numbers lies, in between by straight line; an empty list has none", quantile, new(func(list, float64) float64)},
		{"average", "average(list)", "the mean of the numbers; an empty list has none", average, new(func(list) float64)},
		{"unique", "unique(list)", "each element once, in the order of the list", func(a ...any) (any, error) { return pick(a[0], nil, false) }, new(func(list) list)},
		{"union", "union(a, b)", "the elements of either list, each once", union, new(func(list, list) list)},
		{"intersect", "intersect(a, b)", "the elements of both lists, each once", func(a ...any) (any, error) { return pick(a[0], a[1], true) }, new(func(list, list) list)},
		{"except", "except(a, b)", "the elements of a that are not in b, each once", func(a ...any) (any, error) { return pick(a[0], a[1], false) }, new(func(list, list) list)},
		{"subset", "subset(a, b)", "whether every element of a is in b", subset, new(func(list, list) bool)},
	}
}

func isFunction(name string) bool {
	return slices.ContainsFunc(Functions(), func(f Function) bool { return f.Name == name })
}

func ours() []expr.Option {
	var out []expr.Option
	for _, f := range Functions() {
		out = append(out, expr.Function(f.Name, f.call, f.typ, anyList(f.typ)))
	}
	return out
}

// anyList gives the same function over lists whose elements expr knows the type
// of: to expr a list of text is no list of anything.
func anyList(typ any) any {
	t := reflect.TypeOf(typ).Elem()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		if in[i] = t.In(i); in[i].Kind() == reflect.Slice {
			in[i] = reflect.TypeFor[any]()
		}
	}
	return reflect.New(reflect.FuncOf(in, []reflect.Type{t.Out(0)}, false)).Interface()
}

func seconds(a ...any) (any, error) {
	d, ok := a[0].(time.Duration)
	if !ok {
		return nil, fmt.Errorf("%T is not a duration", a[0])
	}
	return d.Seconds(), nil
}

func percent(a ...any) (any, error) {
	x, err := float(a[0])
	return x / 100, err
}

var errNoNumbers = errors.New("there are no numbers")

func numbers(v any) ([]float64, error) {
	list, err := elements(v)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(list))
	for i, e := range list {
		if out[i], err = float(e); err != nil {
			return nil, err
		}
		if math.IsNaN(out[i]) {
			return nil, errors.New("one of the numbers is not a number")
		}
	}
	if len(out) == 0 {
		return nil, errNoNumbers
	}
	return out, nil
}

func quantile(a ...any) (any, error) {
	xs, err := numbers(a[0])
	if err != nil {
		return nil, err
	}
	q, err := float(a[1])
	if err != nil || !(q >= 0 && q <= 1) {
		return nil, errors.Join(err, fmt.Errorf("quantile %v is not between 0 and 1", a[1]))
	}
	slices.Sort(xs)
	at := q * float64(len(xs)-1)
	low := int(at)
	high := min(low+1, len(xs)-1)
	return xs[low] + (xs[high]-xs[low])*(at-float64(low)), nil
}

func average(a ...any) (any, error) {
	xs, err := numbers(a[0])
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs)), nil
}

func elements(v any) ([]any, error) {
	if list, ok := v.([]any); ok {
		return list, nil
	}
	r := reflect.ValueOf(v)
	if !r.IsValid() || r.Kind() != reflect.Slice {
		return nil, fmt.Errorf("%T is not a list", v)
	}
	out := make([]any, r.Len())
	for i := range out {
		out[i] = r.Index(i).Interface()
	}
	return out, nil
}

// set makes a set of a list of text, numbers and truth values, which are what
// can be looked up.
func set(v any) (map[any]bool, []any, error) {
	list, err := elements(v)
	if err != nil {
		return nil, nil, err
	}
	out := map[any]bool{}
	for _, e := range list {
		if e != nil && !reflect.TypeOf(e).Comparable() {
			return nil, nil, fmt.Errorf("an element is %T, and only text and numbers can be compared", e)
		}
		out[e] = true
	}
	return out, list, nil
}

// pick gives the elements of one list, each once, that are in the other one or
// not; without another one all of them.
func pick(v, other any, in bool) (any, error) {
	_, list, err := set(v)
	if err != nil {
		return nil, err
	}
	wanted := map[any]bool{}
	if other != nil {
		if wanted, _, err = set(other); err != nil {
			return nil, err
		}
	}
	out, seen := []any{}, map[any]bool{}
	for _, e := range list {
		if !seen[e] && wanted[e] == in {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out, nil
}

func union(a ...any) (any, error) {
	first, err := elements(a[0])
	if err != nil {
		return nil, err
	}
	second, err := elements(a[1])
	if err != nil {
		return nil, err
	}
	return pick(append(slices.Clip(first), second...), nil, false)
}

func subset(a ...any) (any, error) {
	left, err := pick(a[0], a[1], false)
	if err != nil {
		return nil, err
	}
	return len(left.([]any)) == 0, nil //nolint:forcetypeassert // pick gives a list
}
