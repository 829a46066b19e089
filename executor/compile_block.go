package executor

import (
	"cmp"
	"slices"
	"strings"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// block compiles what a block holds. What is inside of a foreach is there once
// for each turn, so it can be named inside only; steps side by side do not see
// each other.
func (c *compiler) block(n *Node, env guard.Env) {
	s := n.Step
	if !s.Foreach.IsZero() {
		c.foreach(n, env)
		return
	}
	if !s.Parallel {
		n.Body = c.body(n.Path+"/", s.Steps, s.Rescue, s.Finally)
		return
	}
	n.Body.AtOnce = places(s)
	before, after := c.steps, c.steps
	for i := range s.Steps {
		c.steps = slices.Clip(before)
		n.Body.Steps = append(n.Body.Steps, c.node(n.Path+"/", &s.Steps[i]))
		after = append(after, c.steps[len(before):]...)
	}
	c.steps = after
	rest := c.body(n.Path+"/", nil, s.Rescue, s.Finally)
	n.Body.Rescue, n.Body.Finally = rest.Rescue, rest.Finally
}

func (c *compiler) foreach(n *Node, env guard.Env) {
	s, before, item := n.Step, c.steps, c.item
	if s.Foreach.Kind != schema.List && !s.Foreach.Whole() {
		c.fail(s.Foreach.Pos, "write [a, b] or ${{ an expression }}", "expected a list, found %s", s.Foreach.Kind)
	}
	c.templates(s.Foreach, &schema.Type{Kind: "list", Elem: &schema.Type{Kind: "any"}}, env, n.values)
	n.read()
	c.item = c.element(s.Foreach)
	n.Body = c.body(n.Path+anyTurn+"/", s.Steps, s.Rescue, s.Finally)
	n.Body.turns = true
	if s.Parallel {
		n.Body.AtOnce = places(s)
	}
	c.steps, c.item = before, item
}

// element gives the type of the elements of a list, as far as it can be told:
// of one that is written out, and of one that is a name.
func (c *compiler) element(t schema.Tree) *schema.Type {
	if t.Whole() {
		if ty := c.named(t.Parts[0].Text); ty != nil && ty.Kind == "list" && ty.Elem != nil {
			return ty.Elem
		}
		return &schema.Type{Kind: "any"}
	}
	kinds := map[schema.Kind]string{schema.String: "string", schema.Template: "any", schema.Int: "int", schema.Float: "number", schema.Bool: "bool"}
	kind := "any"
	for i, it := range t.Items {
		if i > 0 && kinds[it.Kind] != kind {
			return &schema.Type{Kind: "any"}
		}
		kind = kinds[it.Kind]
	}
	if kind == "" {
		kind = "any"
	}
	return &schema.Type{Kind: kind}
}

// named gives the type of inputs.a or steps.a.outputs.b, nil of anything else.
func (c *compiler) named(source string) *schema.Type {
	ty := &schema.Type{Kind: "object", Fields: []schema.Field{
		{Name: "inputs", Type: c.inputs},
		{Name: "steps", Type: &schema.Type{Kind: "object", Fields: c.steps}},
	}}
	for _, name := range strings.Split(strings.TrimSpace(source), ".") {
		f := ty.Field(name)
		if f == nil {
			return nil
		}
		ty = f.Type
	}
	return ty
}

func places(s *schema.Step) int { return cmp.Or(s.AtOnce, maxAbreast) }
