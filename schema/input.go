package schema

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a value for the input and checks it against the declaration. The
// result is a string, int, float64, bool or Duration.
func (in *Input) Parse(t Tree) (any, error) {
	var v any
	var r Report
	switch in.Type {
	case "string":
		s, ok := scalarText(t)
		if !ok {
			return nil, fmt.Errorf("expected text, found %s", describe(t))
		}
		v = s
	case "int":
		i, ok := wholeNumber(t)
		if !ok {
			return nil, fmt.Errorf("expected a whole number, found %s", describe(t))
		}
		v = i
	case "number":
		x, ok := number(t)
		if !ok {
			return nil, fmt.Errorf("expected a number, found %s", describe(t))
		}
		v = x
	case "bool":
		b, ok := t.Value.(bool)
		if !ok {
			return nil, fmt.Errorf("expected true or false, found %s", describe(t))
		}
		v = b
	case "duration":
		var d Duration
		d.DecodeTree(t, &r)
		v = d
	case "share":
		var s Share
		s.DecodeTree(t, &r)
		v = float64(s)
	case "list":
		return in.list(t)
	default:
		return nil, fmt.Errorf("type %q is not known", in.Type)
	}
	if len(r.Found) > 0 {
		return nil, fmt.Errorf("%s", r.Found[0].Message)
	}
	return v, in.allows(v)
}

// maxElements bounds a list: more than that is data, not an input.
const maxElements = 1000

// list reads a list of text, as []any, which is what expressions work on.
func (in *Input) list(t Tree) (any, error) {
	if t.Kind != List {
		return nil, fmt.Errorf("expected a list, found %s", describe(t))
	}
	if len(t.Items) > maxElements {
		return nil, fmt.Errorf("%d elements are more than the limit of %d", len(t.Items), maxElements)
	}
	out := make([]any, 0, len(t.Items))
	for _, it := range t.Items {
		s, ok := scalarText(it)
		if !ok {
			return nil, fmt.Errorf("expected text in the list, found %s", describe(it))
		}
		if err := in.allows(s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ParseFlag reads the text of --set name=text.
func (in *Input) ParseFlag(text string) (any, error) {
	t := Tree{Kind: String, Value: text}
	switch in.Type {
	case "int":
		if i, err := strconv.Atoi(text); err == nil {
			t.Kind, t.Value = Int, i
		}
	case "number":
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			t.Kind, t.Value = Float, x
		}
	case "bool":
		if b, err := strconv.ParseBool(text); err == nil {
			t.Kind, t.Value = Bool, b
		}
	case "list":
		t = Tree{Kind: List}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				t.Items = append(t.Items, Tree{Kind: String, Value: part})
			}
		}
	}
	return in.Parse(t)
}

// inputTypes lists the types an input may have.
func inputTypes() []string {
	f := TypeOf(reflect.TypeFor[Input]()).Field("type")
	return f.Enum
}

// maxExact is the largest whole number that JSON readers keep exactly.
const maxExact = 1 << 53

func (in *Input) allows(v any) error {
	text := fmt.Sprint(v)
	if len(in.Enum) > 0 && !slices.Contains(in.Enum, text) {
		return fmt.Errorf("%q is not one of: %s", text, strings.Join(in.Enum, ", "))
	}
	if s, ok := v.(string); ok && in.Pattern != "" {
		re, err := regexp.Compile("^(?:" + in.Pattern + ")$")
		if err != nil {
			return err
		}
		if !re.MatchString(s) {
			return fmt.Errorf("%q does not match %s", s, in.Pattern)
		}
	}
	var x float64
	switch n := v.(type) {
	case int:
		if n > maxExact || n < -maxExact {
			return fmt.Errorf("%d is more than a record keeps exactly", n)
		}
		x = float64(n)
	case float64:
		x = n
	default:
		return nil
	}
	// A run records its inputs as JSON, which has neither of these.
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("%v is not a usable number", v)
	}
	if in.Minimum != nil && x < *in.Minimum {
		return fmt.Errorf("%v is below the minimum of %v", v, *in.Minimum)
	}
	if in.Maximum != nil && x > *in.Maximum {
		return fmt.Errorf("%v is above the maximum of %v", v, *in.Maximum)
	}
	return nil
}
