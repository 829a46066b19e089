package schema

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TreeDecoder is met by types that read themselves: Duration, Expr, ordered
// maps. The diagnostics they add must carry the place in the tree.
type TreeDecoder interface {
	DecodeTree(t Tree, r *Report)
}

// Report collects the mistakes of one decoding.
type Report struct{ Found Diagnostics }

// Fail notes a mistake.
func (r *Report) Fail(at Pos, width int, hint, format string, args ...any) {
	r.Found = append(r.Found, Diagnostic{Pos: at, Width: width, Message: clip(fmt.Sprintf(format, args...)), Hint: hint})
}

// Decode reads a tree into the struct that out points at. It is strict: an
// unknown key, a missing one, a wrong kind or a value outside its bounds is a
// mistake, and all of them are reported. Field names come from the json tag;
// the tags default, enum, minimum and maximum say what is allowed. A field is
// required unless its json tag says omitempty or it has a default.
func Decode(t Tree, out any) Diagnostics {
	r := &Report{}
	decodeValue(t, reflect.ValueOf(out).Elem(), nil, r)
	return r.Found
}

func decodeValue(t Tree, v reflect.Value, f *Field, r *Report) {
	if v.CanAddr() {
		if d, ok := v.Addr().Interface().(TreeDecoder); ok {
			d.DecodeTree(t, r)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if t.Kind == Null {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		decodeValue(t, v.Elem(), f, r)
	case reflect.Struct:
		decodeStruct(t, v, r)
	case reflect.Slice:
		decodeSlice(t, v, f, r)
	case reflect.Map:
		decodeMap(t, v, f, r)
	case reflect.Interface:
		v.Set(reflect.ValueOf(&struct{ X any }{t.Plain()}).Elem().Field(0))
	default:
		decodeScalar(t, v, f, r)
	}
}

func decodeStruct(t Tree, v reflect.Value, r *Report) {
	if t.Kind != Map {
		r.Fail(t.Pos, 1, "", "expected a map, found %s", t.Kind)
		return
	}
	fields := fieldsOf(v.Type())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	for _, p := range t.Pairs {
		i := slices.Index(names, p.Key)
		if i < 0 {
			hint := DidYouMean(p.Key, names)
			if hint == "" {
				hint = "known here: " + strings.Join(names, ", ")
			}
			r.Fail(p.At, utf8.RuneCountInString(p.Key), hint, "unknown field %q", p.Key)
		}
	}
	for _, f := range fields {
		child, ok := t.Get(f.Name)
		target := v.FieldByIndex(f.index)
		switch {
		case ok && (child.Kind != Null || !f.hasDefault):
			decodeValue(child, target, &f, r)
			place(v, f, child.Pos)
		case f.hasDefault:
			decodeValue(f.defaultTree(t.Pos), target, &f, r)
		case f.Required:
			r.Fail(t.Pos, 1, "", "field %q is missing", f.Name)
		}
	}
	if at := v.FieldByName("Pos"); at.IsValid() && at.Type() == reflect.TypeFor[Pos]() {
		at.Set(reflect.ValueOf(t.Pos))
	}
}

// place tells a struct where one of its fields was written, if it has a field
// to hold that: UsesPos for Uses.
func place(v reflect.Value, f Field, at Pos) {
	p := v.FieldByName(v.Type().FieldByIndex(f.index).Name + "Pos")
	if p.IsValid() && p.Type() == reflect.TypeFor[Pos]() {
		p.Set(reflect.ValueOf(at))
	}
}

func decodeSlice(t Tree, v reflect.Value, f *Field, r *Report) {
	if t.Kind != List {
		r.Fail(t.Pos, 1, "write it as [a, b] or one item a line, each after a dash", "expected a list, found %s", t.Kind)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(t.Items), len(t.Items))
	for i, it := range t.Items {
		decodeValue(it, out.Index(i), f, r)
	}
	v.Set(out)
}

func decodeMap(t Tree, v reflect.Value, f *Field, r *Report) {
	if t.Kind != Map {
		r.Fail(t.Pos, 1, "", "expected a map, found %s", t.Kind)
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(t.Pairs))
	for _, p := range t.Pairs {
		e := reflect.New(v.Type().Elem()).Elem()
		decodeValue(p.Value, e, f, r)
		out.SetMapIndex(reflect.ValueOf(p.Key).Convert(v.Type().Key()), e)
	}
	v.Set(out)
}

func decodeScalar(t Tree, v reflect.Value, f *Field, r *Report) {
	ok := false
	switch v.Kind() {
	case reflect.String:
		var s string
		if s, ok = scalarText(t); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		var b bool
		if b, ok = t.Value.(bool); ok {
			v.SetBool(b)
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		var i int
		if i, ok = wholeNumber(t); ok {
			if ok = !v.OverflowInt(int64(i)); ok {
				v.SetInt(int64(i))
			}
		}
	case reflect.Float64:
		var x float64
		if x, ok = number(t); ok {
			v.SetFloat(x)
		}
	default: // no field of the language has another kind
	}
	if !ok {
		r.Fail(t.Pos, width(t), "", "expected %s, found %s", kindOf(v.Type()), describe(t))
		return
	}
	if f != nil {
		f.check(t, v, r)
	}
}

// scalarText accepts text only: a version 1.10 or a tag 012 that lost its
// quotes would otherwise change its meaning in silence.
func scalarText(t Tree) (string, bool) {
	s, ok := t.Value.(string)
	return s, ok && t.Kind == String
}

func wholeNumber(t Tree) (int, bool) {
	switch x := t.Value.(type) {
	case int:
		return x, true
	case float64:
		return int(x), x == math.Trunc(x) && math.Abs(x) < 1<<53
	default:
		return 0, false
	}
}

func number(t Tree) (float64, bool) {
	switch x := t.Value.(type) {
	case int:
		return float64(x), true
	case float64:
		return x, true
	default:
		return 0, false
	}
}

// width is how many columns of a value to underline: all of a scalar, the
// beginning of anything else.
func width(t Tree) int {
	if t.Value == nil {
		return 1
	}
	return utf8.RuneCountInString(fmt.Sprint(t.Value))
}

func describe(t Tree) string {
	if t.Kind == Null || t.Kind == Map || t.Kind == List {
		return t.Kind.String()
	}
	return fmt.Sprintf("%s (%s)", t.Kind, strconv.Quote(fmt.Sprint(t.Plain())))
}
