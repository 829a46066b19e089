package executor

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// with checks the inputs of an action as far as they are known: everything
// that is written out is decoded, everything that is an expression is typed.
func (c *compiler) with(n *Node, a actions.Action, env guard.Env) {
	tree := n.Step.With
	if tree.IsZero() {
		tree = schema.Tree{Pos: n.Step.Pos, Kind: schema.Map}
	}
	_, found := a.Decode(tree)
	var holes []schema.Pos
	tree.Walk(func(t schema.Tree) {
		if t.Kind == schema.Template {
			holes = append(holes, t.Pos)
		}
	})
	for _, d := range found {
		// The decoder cannot see through an expression; templates does that.
		if !slices.Contains(holes, d.Pos) {
			c.found = append(c.found, d)
		}
	}
	c.withSecrets(n, tree, a.Spec.In(), env)
	for _, f := range a.Spec.In().Fields {
		if f.Names != "" {
			c.namesPart(n, tree, f)
		}
	}
}

// namesPart checks the name of a part of the target, where it is written out:
// a step that may leave it out acts on the only one.
func (c *compiler) namesPart(n *Node, tree schema.Tree, f schema.Field) {
	parts := slices.Sorted(maps.Keys(c.parts[f.Names]))
	value, given := tree.Get(f.Name)
	name, written := value.Value.(string)
	one := strings.TrimSuffix(f.Names, "s")
	switch {
	case len(parts) == 0:
		c.fail(n.Step.Pos, "name it under spec.target."+f.Names, "the target has no %s, and %s acts on one", f.Names, n.Step.Uses)
	case !given && len(parts) > 1:
		c.fail(n.Step.Pos, "add "+f.Name+": with one of: "+strings.Join(parts, ", "), "the target has %d %s, and the step names none", len(parts), f.Names)
	case given && written && value.Kind == schema.String && !c.parts[f.Names][name]:
		c.failWide(value.Pos, len(name), cmp.Or(schema.DidYouMean(name, parts), "it has: "+strings.Join(parts, ", ")), "the target has no %s %q", one, name)
	}
}

// withSecrets checks the expressions of the inputs of an action. Where the field
// says so a secret may stand in them.
func (c *compiler) withSecrets(n *Node, tree schema.Tree, in *schema.Type, env guard.Env) {
	if tree.Kind != schema.Map {
		c.templates(tree, in, env, n.values)
		return
	}
	open := env.With("secrets", c.secrets)
	for _, p := range tree.Pairs {
		at := env
		if f := in.Field(p.Key); f != nil && f.Secret {
			at = open
		}
		c.templates(p.Value, member(in, p.Key), at, n.values)
	}
}

// templates compiles every expression of a tree and checks it against the type
// of the field it stands in.
func (c *compiler) templates(t schema.Tree, ty *schema.Type, env guard.Env, into map[string]*guard.Value) {
	switch t.Kind {
	case schema.Template:
		c.template(t, ty, env, into)
	case schema.List:
		elem := &schema.Type{Kind: "any"}
		if ty.Kind == "list" {
			elem = ty.Elem
		}
		for _, it := range t.Items {
			c.templates(it, elem, env, into)
		}
	case schema.Map:
		for _, p := range t.Pairs {
			c.templates(p.Value, member(ty, p.Key), env, into)
		}
	default: // a plain value has no expressions
	}
}

func (c *compiler) template(t schema.Tree, ty *schema.Type, env guard.Env, into map[string]*guard.Value) {
	for _, part := range t.Parts {
		if !part.Expr {
			continue
		}
		// An input that may be unknown takes a condition in three values.
		compile := guard.CompileValue
		if t.Whole() && ty.Kind == "bool" && ty.Nullable {
			compile = guard.CompileCondition
		}
		v, err := compile(part.Text, env)
		if err != nil {
			c.exprError(part.At, part.Text, err)
			continue
		}
		if v.Reads().Has("secrets") && !plainSecret.MatchString(part.Text) {
			c.fail(part.At, "write ${{ secrets.NAME }} and nothing else between the braces", "nothing can be computed from a secret")
			continue
		}
		into[placed(part)] = v
		if t.Whole() && !fits(v.Kind(), ty.Kind) {
			c.fail(part.At, "", "expected %s, the expression gives %s", ty.Kind, v.Kind())
		}
	}
	if !t.Whole() && !fits("string", ty.Kind) {
		c.fail(t.Pos, "write one expression and nothing around it", "expected %s, found text with an expression in it", ty.Kind)
	}
}

var plainSecret = regexp.MustCompile(`^\s*secrets\.[a-z0-9_]+\s*$`)

// placed names an expression of a step: the same text may be a condition in one
// place and a value in another.
func placed(p schema.Part) string { return p.At.String() + " " + p.Text }

func member(ty *schema.Type, key string) *schema.Type {
	switch ty.Kind {
	case "object":
		if f := ty.Field(key); f != nil {
			return f.Type
		}
	case "map":
		return ty.Elem
	}
	return &schema.Type{Kind: "any"}
}

// fits says whether a value of one kind may stand where another is expected.
func fits(have, want string) bool {
	if have == "any" || want == "any" || have == want {
		return true
	}
	return slices.Contains(map[string][]string{
		"number":   {"int"},
		"share":    {"number", "int", "string"},
		"duration": {"string"},
		"object":   {"map"},
	}[want], have)
}

func inputsType(in schema.Inputs) *schema.Type {
	t := &schema.Type{Kind: "object"}
	for _, x := range in {
		t.Fields = append(t.Fields, schema.Field{Name: x.Name, Type: inputType(x.Type)})
	}
	return t
}

func inputType(name string) *schema.Type {
	if name == "list" {
		return &schema.Type{Kind: "list", Elem: &schema.Type{Kind: "string"}}
	}
	return &schema.Type{Kind: name}
}

// runType is what expressions may know of the run itself.
func runType() *schema.Type {
	text, duration := &schema.Type{Kind: "string"}, &schema.Type{Kind: "duration"}
	return &schema.Type{Kind: "object", Fields: []schema.Field{
		{Name: "id", Type: text}, {Name: "reason", Type: text}, {Name: "started", Type: text},
		{Name: "elapsed", Type: duration}, {Name: "remaining", Type: duration},
	}}
}

// outputsType is the type of outputs as they come back from the journal: JSON
// has no durations, so they are text there.
func outputsType(t *schema.Type) *schema.Type {
	out := *t
	if out.Kind == "duration" {
		out.Kind = "string"
	}
	if t.Elem != nil {
		out.Elem = outputsType(t.Elem)
	}
	out.Fields = slices.Clone(t.Fields)
	for i := range out.Fields {
		out.Fields[i].Type = outputsType(t.Fields[i].Type)
	}
	return &out
}
