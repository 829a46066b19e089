package schema

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Kind is the kind of a Tree.
type Kind uint8

// The kinds of a Tree. Template is text that holds at least one ${{ }} and has
// no value before it is resolved.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	Template
	List
	Map
)

// String names the kind as a person who writes YAML would.
func (k Kind) String() string {
	return [...]string{"null", "true or false", "a whole number", "a number", "text", "an expression", "a list", "a map"}[k]
}

// Tree is one value of a document with the place where it was written. It is
// what remains of YAML once anchors, tags and styles are dealt with.
type Tree struct {
	Pos   Pos
	Kind  Kind
	Value any    // bool, int, float64 or string of a scalar
	Parts []Part // of a Template
	Items []Tree // of a List
	Pairs []Pair // of a Map, in the order of the file
}

// Pair is one key of a map and its value.
type Pair struct {
	Key   string
	At    Pos
	Value Tree
}

// Part is a piece of a template: literal text, or an expression.
type Part struct {
	Text string // the literal, or the source of the expression
	Expr bool
	At   Pos // of the first character of an expression
}

// Whole says whether the template is one expression and nothing else; then it
// keeps the type of its value, otherwise it gives text.
func (t Tree) Whole() bool { return t.Kind == Template && len(t.Parts) == 1 && t.Parts[0].Expr }

// IsZero says whether nothing was written.
func (t Tree) IsZero() bool { return t.Kind == Null && t.Pos.Line == 0 }

// Get gives the value of a key of a map.
func (t Tree) Get(key string) (Tree, bool) {
	i := slices.IndexFunc(t.Pairs, func(p Pair) bool { return p.Key == key })
	if t.Kind != Map || i < 0 {
		return Tree{}, false
	}
	return t.Pairs[i].Value, true
}

// Walk calls f for the tree and everything below it, parents first.
func (t Tree) Walk(f func(Tree)) {
	f(t)
	for _, it := range t.Items {
		it.Walk(f)
	}
	for _, p := range t.Pairs {
		p.Value.Walk(f)
	}
}

// Resolve gives a copy in which every template is replaced by what f says.
func (t Tree) Resolve(f func(Tree) (any, error)) (Tree, error) {
	switch t.Kind {
	case Template:
		v, err := f(t)
		if err != nil {
			return Tree{}, err
		}
		return FromValue(v, t.Pos)
	case List:
		out := t
		out.Items = make([]Tree, len(t.Items))
		for i, it := range t.Items {
			r, err := it.Resolve(f)
			if err != nil {
				return Tree{}, err
			}
			out.Items[i] = r
		}
		return out, nil
	case Map:
		out := t
		out.Pairs = make([]Pair, len(t.Pairs))
		for i, p := range t.Pairs {
			r, err := p.Value.Resolve(f)
			if err != nil {
				return Tree{}, err
			}
			out.Pairs[i] = Pair{Key: p.Key, At: p.At, Value: r}
		}
		return out, nil
	default:
		return t, nil
	}
}

// Plain gives the tree as Go values: map[string]any, []any, string, bool, int,
// float64 or nil. A template gives its source text.
func (t Tree) Plain() any {
	switch t.Kind {
	case List:
		out := make([]any, len(t.Items))
		for i, it := range t.Items {
			out[i] = it.Plain()
		}
		return out
	case Map:
		out := make(map[string]any, len(t.Pairs))
		for _, p := range t.Pairs {
			out[p.Key] = p.Value.Plain()
		}
		return out
	case Template:
		return t.Source()
	default:
		return t.Value
	}
}

// Source gives a template as it was written.
func (t Tree) Source() string {
	s := ""
	for _, p := range t.Parts {
		if p.Expr {
			s += "${{ " + p.Text + " }}"
			continue
		}
		s += p.Text
	}
	return s
}

// FromValue turns a Go value into a tree, every part of it placed at pos.
func FromValue(v any, pos Pos) (Tree, error) {
	switch x := v.(type) {
	case nil:
		return Tree{Pos: pos}, nil
	case bool:
		return Tree{Pos: pos, Kind: Bool, Value: x}, nil
	case int:
		return Tree{Pos: pos, Kind: Int, Value: x}, nil
	case float64:
		return Tree{Pos: pos, Kind: Float, Value: x}, nil
	case string:
		return Tree{Pos: pos, Kind: String, Value: x}, nil
	case Duration:
		return Tree{Pos: pos, Kind: String, Value: x.String()}, nil
	case []any:
		return fromList(x, pos)
	case map[string]any:
		return fromMap(x, pos)
	default:
		return fromOther(v, pos)
	}
}

func fromList(x []any, pos Pos) (Tree, error) {
	t := Tree{Pos: pos, Kind: List}
	for _, e := range x {
		c, err := FromValue(e, pos)
		if err != nil {
			return Tree{}, err
		}
		t.Items = append(t.Items, c)
	}
	return t, nil
}

func fromMap(x map[string]any, pos Pos) (Tree, error) {
	t := Tree{Pos: pos, Kind: Map}
	keys := make([]string, 0, len(x))
	for k := range x {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		c, err := FromValue(x[k], pos)
		if err != nil {
			return Tree{}, err
		}
		t.Pairs = append(t.Pairs, Pair{Key: k, At: pos, Value: c})
	}
	return t, nil
}

// fromOther goes through JSON, which every value of a scope can be written as.
func fromOther(v any, pos Pos) (Tree, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Tree{}, fmt.Errorf("%s: value of type %T has no written form: %w", pos, v, err)
	}
	return FromJSON(b, pos)
}
