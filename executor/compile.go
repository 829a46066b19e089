package executor

import (
	"cmp"
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// Compile turns a playbook into a program. It reports every mistake that can
// be found without touching the world, in the order of the file.
func Compile(src schema.Source, registry actions.Registry) (*Program, schema.Diagnostics) {
	c := &compiler{registry: registry, calls: src.Calls}
	p := c.program(src, "", nil)
	if len(c.found) > 0 {
		return nil, c.found.Sorted()
	}
	p.index()
	return p, nil
}

// program compiles a document whose steps stand behind a prefix. It gives nil
// when it cannot be read at all.
func (c *compiler) program(src schema.Source, prefix string, around *schema.Playbook) *Program {
	pb, found := schema.Load(src)
	c.text, c.found = src.Text, found
	if pb == nil || pb.Spec.Steps == nil {
		return nil
	}
	c.running = append(slices.Clip(c.running), pb.Metadata.Name)
	c.playbook, c.inputs, c.secrets, c.later = pb, inputsType(pb.Spec.Inputs), secretsType(pb.Spec.Secrets), map[string]bool{}
	target := pb.Spec.Target
	if around != nil {
		target = around.Spec.Target
	}
	c.parts = partNames(target)
	c.names(pb.Spec.Steps, pb.Spec.Rescue, pb.Spec.Finally, pb.Criteria)
	p := &Program{Source: src, Playbook: pb}
	p.target = c.target(pb.Spec.Target)
	p.Body = c.body(prefix, pb.Spec.Steps, pb.Spec.Rescue, pb.Spec.Finally)
	p.Body.Success = c.nodes(prefix+"~success/", pb.Criteria)
	for _, n := range p.Body.Success {
		if n.Action != nil && n.Action.Spec.Effect != actions.Observe {
			c.fail(n.Step.Pos, "do it as a step", "a criterion of success only looks, and %q changes something", n.Step.Uses)
		}
	}
	p.outputs = c.outputs(pb.Spec.Outputs)
	return p
}

type compiler struct {
	text     []byte
	playbook *schema.Playbook
	registry actions.Registry
	found    schema.Diagnostics
	inputs   *schema.Type
	secrets  *schema.Type
	steps    []schema.Field             // the steps that may be referred to so far
	later    map[string]bool            // every step id
	parts    map[string]map[string]bool // the names of the parts of the target, by kind
	item     *schema.Type               // of the innermost foreach, nil outside of one
	running  []string                   // the playbooks that run one another, the outermost first
	calls    map[string]schema.Source   // the playbooks that can be run as a step
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
	switch {
	case s.Calls():
		c.declare(s.ID, c.call(n, env))
	case s.IsBlock():
		c.block(n, env)
		c.declare(s.ID, &schema.Type{Kind: "object"})
	default:
		c.declare(s.ID, c.action(n, env))
	}
	return n
}

// action compiles a step that acts, and gives the type of its outputs.
func (c *compiler) action(n *Node, env guard.Env) *schema.Type {
	s := n.Step
	a, ok := c.registry[s.Uses]
	if !ok {
		c.failWide(s.UsesPos, len(s.Uses), cmp.Or(schema.DidYouMean(s.Uses, append(c.registry.Names(), schema.CallAction)), "see: runback actions"), "unknown action %q", s.Uses)
		return &schema.Type{Kind: "any"}
	}
	n.Action = &a
	c.with(n, a, env)
	n.read()
	own := env.With("outputs", outputsType(a.Spec.Out()))
	for _, e := range s.Expect {
		n.Expect = append(n.Expect, expectation{c.guard(e.That, own), e.Message})
	}
	if v := s.Verify; v != nil {
		n.Verify = &verification{c.guard(v.Until, own), v}
		if a.Spec.Effect != actions.Observe && !a.Spec.Probes {
			c.fail(s.Pos, "verify with a step of its own that observes", "action %q cannot say whether it holds", s.Uses)
		}
	}
	return outputsType(a.Spec.Out())
}

// declare makes a step known to those after it.
func (c *compiler) declare(id string, out *schema.Type) {
	c.steps = append(c.steps, schema.Field{Name: id, Type: &schema.Type{Kind: "object", Fields: []schema.Field{
		{Name: "status", Type: &schema.Type{Kind: "string"}},
		{Name: "outputs", Type: out},
	}}})
}

func (c *compiler) env() guard.Env {
	env := guard.NewEnv().
		With("inputs", c.inputs).
		With("steps", &schema.Type{Kind: "object", Fields: c.steps}).
		With("run", runType()).
		With("project", schema.ProjectType())
	if c.item != nil {
		env = env.With("item", c.item)
	}
	return env
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
