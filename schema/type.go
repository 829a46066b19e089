package schema

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Type describes a Go type as the language sees it. Decoding, JSON Schema, the
// action catalogue and the types of expressions are all made from it.
type Type struct {
	Kind   string  `json:"kind"` // string int number bool duration share list map object any
	Fields []Field `json:"fields,omitempty"`
	Elem   *Type   `json:"elem,omitempty"`
	// Nullable says that the value may be unknown: no data, not yet read.
	Nullable bool `json:"nullable,omitempty"`
	// Ref names an object that contains itself; its fields are given once,
	// where it is first met.
	Ref string `json:"ref,omitempty"`
}

// Field is one field of an object.
type Field struct {
	Name     string   `json:"name"`
	Doc      string   `json:"doc,omitempty"`
	Type     *Type    `json:"type,omitempty"`
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Minimum  *float64 `json:"minimum,omitempty"`
	Maximum  *float64 `json:"maximum,omitempty"`
	// Secret says that a secret may stand here: what the action does with the
	// value keeps it from everybody's eyes.
	Secret bool `json:"secret,omitempty"`
	// Names says that the value names a part of the target: "databases",
	// "terraform".
	Names string `json:"names,omitempty"`

	hasDefault bool
	index      []int
	goType     reflect.Type
}

// Typed is met by types that say themselves what they are in the language.
type Typed interface {
	SchemaType() *Type
}

// TypeOf describes a Go type.
func TypeOf(t reflect.Type) *Type { return typeOf(t, nil) }

func typeOf(t reflect.Type, within []reflect.Type) *Type {
	if ty, ok := reflect.New(t).Interface().(Typed); ok {
		return ty.SchemaType()
	}
	switch t.Kind() {
	case reflect.Pointer:
		ty := *typeOf(t.Elem(), within)
		ty.Nullable = true
		return &ty
	case reflect.Struct:
		if slices.Contains(within, t) {
			return &Type{Kind: "object", Ref: t.Name()}
		}
		ty := &Type{Kind: "object", Fields: fieldsOf(t)}
		for i := range ty.Fields {
			ty.Fields[i].Type = typeOf(ty.Fields[i].goType, append(slices.Clip(within), t))
		}
		return ty
	case reflect.Slice:
		return &Type{Kind: "list", Elem: typeOf(t.Elem(), within)}
	case reflect.Map:
		return &Type{Kind: "map", Elem: typeOf(t.Elem(), within)}
	default:
		return &Type{Kind: kindOf(t)}
	}
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "int"
	case reflect.Float64:
		return "number"
	default:
		return "any"
	}
}

// Field gives a field of an object, or nil.
func (t *Type) Field(name string) *Field {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Fields[i]
}

// fieldsOf lists the fields without their types, which is what decoding needs
// and what keeps a type that contains itself from being walked for ever.
func fieldsOf(t reflect.Type) []Field {
	var out []Field
	for _, sf := range reflect.VisibleFields(t) {
		name, opts, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if !sf.IsExported() || sf.Anonymous || name == "" || name == "-" {
			continue
		}
		f := Field{Name: name, Doc: sf.Tag.Get("doc"), Names: sf.Tag.Get("names"), Secret: sf.Tag.Get("secret") == "true", goType: sf.Type, index: sf.Index}
		f.Default, f.hasDefault = sf.Tag.Lookup("default")
		f.Required = !f.hasDefault && !strings.Contains(opts, "omitempty") && !strings.Contains(opts, "omitzero")
		if e := sf.Tag.Get("enum"); e != "" {
			f.Enum = strings.Split(e, "|")
		}
		f.Minimum, f.Maximum = bound(sf.Tag.Get("minimum")), bound(sf.Tag.Get("maximum"))
		out = append(out, f)
	}
	return out
}

func bound(s string) *float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	return &v
}

func (f *Field) defaultTree(at Pos) Tree {
	t := Tree{Pos: at, Kind: String, Value: f.Default}
	switch kindOf(f.goType) {
	case "int":
		i, err := strconv.Atoi(f.Default)
		if err == nil {
			t.Kind, t.Value = Int, i
		}
	case "bool":
		t.Kind, t.Value = Bool, f.Default == "true"
	case "number":
		if v := bound(f.Default); v != nil {
			t.Kind, t.Value = Float, *v
		}
	}
	return t
}

func (f *Field) check(t Tree, v reflect.Value, r *Report) {
	if len(f.Enum) > 0 && v.Kind() == reflect.String && !slices.Contains(f.Enum, v.String()) {
		hint := DidYouMean(v.String(), f.Enum)
		r.Fail(t.Pos, width(t), hint, "%q is not one of: %s", v.String(), strings.Join(f.Enum, ", "))
	}
	x, ok := number(t)
	if !ok {
		return
	}
	if f.Minimum != nil && x < *f.Minimum {
		r.Fail(t.Pos, width(t), "", "%s is %v, the least is %v", f.Name, x, *f.Minimum)
	}
	if f.Maximum != nil && x > *f.Maximum {
		r.Fail(t.Pos, width(t), "", "%s is %v, the most is %v", f.Name, x, *f.Maximum)
	}
}
