package schema

import "strings"

// SchemaType says how a duration appears in the language.
func (*Duration) SchemaType() *Type { return &Type{Kind: "duration"} }

// DecodeTree reads the written form.
func (d *Duration) DecodeTree(t Tree, r *Report) {
	s, ok := scalarText(t)
	if !ok {
		r.Fail(t.Pos, width(t), "write it with a unit: 90s, 2m30s", "expected a duration, found %s", describe(t))
		return
	}
	v, err := ParseDuration(s)
	if err != nil {
		r.Fail(t.Pos, len(s), "", "%s", err)
	}
	*d = v
}

// SchemaType says how a share appears in the language.
func (*Share) SchemaType() *Type { return &Type{Kind: "share"} }

// DecodeTree reads 5% or 0.05.
func (s *Share) DecodeTree(t Tree, r *Report) {
	if x, ok := number(t); ok && x >= 0 {
		*s = Share(x)
		return
	}
	text, ok := scalarText(t)
	if !ok {
		r.Fail(t.Pos, width(t), "write it as 5% or 0.05", "expected a share, found %s", describe(t))
		return
	}
	v, err := ParseShare(text)
	if err != nil {
		r.Fail(t.Pos, len(text), "", "%s", err)
	}
	*s = v
}

// Expr is a bare expression: the value of when, until and expect.
type Expr struct {
	Source string
	Pos    Pos
}

// SchemaType says how an expression appears in the language.
func (*Expr) SchemaType() *Type { return &Type{Kind: "expression"} }

// DecodeTree reads the source. Braces are refused rather than stripped, so
// that there is one way to write a guard.
func (e *Expr) DecodeTree(t Tree, r *Report) {
	e.Pos = t.Pos
	switch t.Kind {
	case String:
		e.Source = strings.TrimSpace(t.Value.(string))
	case Bool:
		e.Source = map[bool]string{true: "true", false: "false"}[t.Value.(bool)]
	case Template:
		r.Fail(t.Pos, 3, "leave out ${{ and }}: this field is an expression already", "unexpected ${{ }}")
		return
	default:
		r.Fail(t.Pos, width(t), "", "expected an expression, found %s", describe(t))
		return
	}
	if e.Source == "" {
		r.Fail(t.Pos, 1, "", "the expression is empty")
	}
}

// MarshalText writes the source.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.Source), nil }

// SchemaType says that any value may be written.
func (*Tree) SchemaType() *Type { return &Type{Kind: "any"} }

// DecodeTree keeps the tree as it is.
func (t *Tree) DecodeTree(in Tree, _ *Report) { *t = in }

// UnmarshalText reads the source; the place is not kept.
func (e *Expr) UnmarshalText(b []byte) error {
	e.Source = string(b)
	return nil
}
