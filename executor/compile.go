package executor

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// Compile turns a playbook into a program. It reports every mistake that can
// be found without touching the world, in the order of the file.
func Compile(src schema.Source, registry actions.Registry) (*Program, schema.Diagnostics) {
	pb, found := schema.Load(src)
	if pb == nil || pb.Spec.Steps == nil {
		return nil, found
	}
	c := &compiler{text: src.Text, registry: registry, found: found, inputs: inputsType(pb.Spec.Inputs), later: map[string]bool{}, parts: partNames(pb.Spec.Target)}
	c.names(pb.Spec.Steps, pb.Spec.Rescue, pb.Spec.Finally)
	p := &Program{Source: src, Playbook: pb}
	p.target = c.target(pb.Spec.Target)
	p.Body = c.body("", pb.Spec.Steps, pb.Spec.Rescue, pb.Spec.Finally)
	if len(c.found) > 0 {
		return nil, c.found.Sorted()
	}
	return p, nil
}

type compiler struct {
	text     []byte
	registry actions.Registry
	found    schema.Diagnostics
	inputs   *schema.Type
	steps    []schema.Field             // the steps that may be referred to so far
	later    map[string]bool            // every step id
	parts    map[string]map[string]bool // the names of the parts of the target, by kind
}

func (c *compiler) names(lists ...[]schema.Step) {
	for _, list := range lists {
		for i := range list {
			c.later[list[i].ID] = true
			c.names(list[i].Steps, list[i].Rescue, list[i].Finally)
		}
	}
}

func (c *compiler) body(prefix string, steps, rescue, finally []schema.Step) Body {
	return Body{
		Steps:   c.nodes(prefix, steps),
		Rescue:  c.nodes(prefix+"~rescue/", rescue),
		Finally: c.nodes(prefix+"~finally/", finally),
	}
}

func (c *compiler) nodes(prefix string, list []schema.Step) []*Node {
	var out []*Node
	for i := range list {
		out = append(out, c.node(prefix, &list[i]))
	}
	return out
}

func (c *compiler) node(prefix string, s *schema.Step) *Node {
	n := &Node{Path: prefix + s.ID, Step: s, values: map[string]*guard.Value{}}
	env := c.env()
	if s.When.Source != "" {
		n.When = c.guard(s.When, env)
	}
	if s.IsBlock() {
		n.Body = c.body(n.Path+"/", s.Steps, s.Rescue, s.Finally)
		c.declare(s.ID, &schema.Type{Kind: "object"})
		return n
	}
	a, ok := c.registry[s.Uses]
	if !ok {
		c.failWide(s.UsesPos, len(s.Uses), cmp.Or(schema.DidYouMean(s.Uses, c.registry.Names()), "see: runback actions"), "unknown action %q", s.Uses)
		c.declare(s.ID, &schema.Type{Kind: "any"})
		return n
	}
	n.Action = &a
	c.with(n, a, env)
	own := env.With("outputs", outputsType(a.Spec.Out))
	for _, e := range s.Expect {
		n.Expect = append(n.Expect, expectation{c.guard(e.That, own), e.Message})
	}
	if v := s.Verify; v != nil {
		n.Verify = &verification{c.guard(v.Until, own), v}
		if a.Spec.Effect != actions.Observe && !a.Spec.Probes {
			c.fail(s.Pos, "verify with a step of its own that observes", "action %q cannot say whether it holds", s.Uses)
		}
	}
	c.declare(s.ID, outputsType(a.Spec.Out))
	return n
}

// declare makes a step known to those after it.
func (c *compiler) declare(id string, out *schema.Type) {
	c.steps = append(c.steps, schema.Field{Name: id, Type: &schema.Type{Kind: "object", Fields: []schema.Field{
		{Name: "status", Type: &schema.Type{Kind: "string"}},
		{Name: "outputs", Type: out},
	}}})
}

func (c *compiler) env() guard.Env {
	return guard.NewEnv().
		With("inputs", c.inputs).
		With("steps", &schema.Type{Kind: "object", Fields: c.steps}).
		With("run", runType())
}

func (c *compiler) guard(e schema.Expr, env guard.Env) *guard.Guard {
	g, err := guard.Compile(e.Source, env)
	if err != nil {
		c.exprError(e.Pos, e.Source, err)
	}
	return g
}

// target compiles the expressions of the target, which may use inputs only:
// what a playbook acts on is fixed before it begins.
func (c *compiler) target(t schema.Target) targetNode {
	n := targetNode{values: map[string]*guard.Value{}}
	env := guard.NewEnv().With("inputs", c.inputs)
	for _, tree := range targetTrees(t) {
		c.templates(tree, &schema.Type{Kind: "string"}, env, n.values)
	}
	return n
}

func (c *compiler) fail(at schema.Pos, hint, format string, args ...any) {
	c.failWide(at, 1, hint, format, args...)
}

func (c *compiler) failWide(at schema.Pos, width int, hint, format string, args ...any) {
	c.found = append(c.found, schema.Diagnostic{Pos: at, Width: width, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// exprError places an error of an expression inside the file and adds what the
// author may have meant.
func (c *compiler) exprError(at schema.Pos, source string, err error) {
	message := err.Error()
	if ge, ok := errors.AsType[*guard.Error](err); ok {
		at = schema.Within(c.text, at, source, offset(source, ge))
	}
	c.found = append(c.found, schema.Diagnostic{Pos: at, Width: 1, Message: "expression: " + message, Hint: c.meant(message)})
}

// offset counts the runes of the source before the place of a mistake.
func offset(source string, e *guard.Error) int {
	lines := strings.SplitAfter(source, "\n")
	n := e.Col - 1
	for i := 0; i < e.Line-1 && i < len(lines); i++ {
		n += len([]rune(lines[i]))
	}
	return n
}

func (c *compiler) meant(message string) string {
	_, word, ok := strings.Cut(message, "unknown field ")
	if !ok {
		if _, word, ok = strings.Cut(message, "unknown name "); !ok {
			return ""
		}
	}
	word, _, _ = strings.Cut(word, " ")
	switch {
	case c.later[word]:
		return fmt.Sprintf("step %q runs later: a step sees only what ran before it", word)
	case word == "outputs":
		return "the outputs of the step itself can be named in expect and verify only"
	case word == "steps" || word == "run":
		return "a target is known before anything runs: it can name inputs only"
	}
	known := []string{"inputs", "steps", "run", "outputs", "status"}
	for _, f := range append(c.inputs.Fields, c.steps...) {
		known = append(known, f.Name)
	}
	for _, s := range c.steps {
		for _, f := range s.Type.Fields[1].Type.Fields {
			known = append(known, f.Name)
		}
	}
	return schema.DidYouMean(word, known)
}
