package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// FromJSON turns JSON into a tree, every part of it placed at pos. Whole
// numbers stay whole.
func FromJSON(b []byte, pos Pos) (Tree, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return Tree{}, fmt.Errorf("%s: not JSON: %w", pos, err)
	}
	return FromValue(Numbers(v), pos)
}

// Numbers replaces every json.Number below v by an int when it is whole and by
// a float64 otherwise: the two number types of the expression language.
func Numbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return int(i)
		}
		f, err := x.Float64()
		if err != nil {
			return x.String()
		}
		return f
	case []any:
		for i := range x {
			x[i] = Numbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = Numbers(x[k])
		}
	}
	return v
}
