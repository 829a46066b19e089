package executor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// maxCalls bounds how deep playbooks run one another.
const maxCalls = 8

// call compiles the playbook that a step runs, and gives the type of its
// outputs. It acts on the target of the one that runs it.
func (c *compiler) call(n *Node, env guard.Env) *schema.Type {
	unknown := &schema.Type{Kind: "any"}
	with := schema.Call{}
	if found := schema.Decode(withTree(n), &with); len(found) > 0 {
		c.found = append(c.found, found...)
		return unknown
	}
	at, _ := n.Step.With.Get("playbook")
	if at.Kind != schema.String {
		return unknown // which has been said
	}
	fail := func(hint, format string, args ...any) *schema.Type {
		c.failWide(at.Pos, len(with.Playbook), hint, format, args...)
		return unknown
	}
	src, there := c.calls[with.Playbook]
	switch {
	case slices.Contains(c.running, with.Playbook):
		return fail("", "playbooks run one another for ever: %s", strings.Join(append(slices.Clip(c.running), with.Playbook), " → "))
	case len(c.running) >= maxCalls:
		return fail("", "playbooks run one another more than %d deep: %s", maxCalls, strings.Join(c.running, " → "))
	case !there:
		return fail("see: runback list", "no playbook %q", with.Playbook)
	}
	inner := &compiler{registry: c.registry, calls: c.calls, running: c.running}
	p := inner.program(src, n.Path+callMark+"/", c.playbook)
	if p == nil || len(inner.found) > 0 {
		return fail("see: runback validate "+src.File, "playbook %q cannot be run: %s", with.Playbook, mistakes(inner.found))
	}
	n.Call, n.Body = &Call{Program: p, given: map[string]schema.Tree{}}, p.Body
	if misfit := c.misfit(n, p.Playbook); misfit != "" {
		return fail("", "playbook %q does not fit here: %s", with.Playbook, misfit)
	}
	c.given(n, with.Inputs, at, env)
	n.read()
	return givenBy(p)
}

func mistakes(found schema.Diagnostics) string {
	if len(found) == 0 {
		return "it has no steps"
	}
	first := found.Sorted()[0]
	more := ""
	if len(found) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(found)-1)
	}
	return fmt.Sprintf("%s: %s%s", first.Pos, first.Message, more)
}

// misfit says why a playbook cannot act on the target of the one that runs it.
func (c *compiler) misfit(n *Node, inner *schema.Playbook) string {
	mine, its := c.playbook.Spec.Target, inner.Spec.Target
	switch {
	case its.Kubernetes != nil && mine.Kubernetes == nil:
		return "it acts on Kubernetes, and the target here has none"
	case its.Protected && !mine.Protected:
		return "its target is protected, and the one here is not"
	case clash(c.playbook.Spec.Secrets, inner.Spec.Secrets) != "":
		return fmt.Sprintf("secret %s is somewhere else there", clash(c.playbook.Spec.Secrets, inner.Spec.Secrets))
	case n.budget() > c.playbook.Spec.Budget.Std():
		return fmt.Sprintf("it may take %s, and the budget here is %s", schema.Duration(n.budget()), c.playbook.Spec.Budget)
	}
	have := partNames(mine)
	for kind, names := range partNames(its) {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if !have[kind][name] {
				return fmt.Sprintf("it acts on %s.%s, and the target here has no such", kind, name)
			}
		}
	}
	return ""
}

// clash names a secret that two playbooks look for in different places.
func clash(a, b map[string]schema.SecretSource) string {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if other, both := b[name]; both && other.String() != a[name].String() {
			return name
		}
	}
	return ""
}

// given checks what another playbook is given against its inputs.
func (c *compiler) given(n *Node, inputs, at schema.Tree, env guard.Env) {
	decls := n.Call.Program.Playbook.Spec.Inputs
	for _, p := range inputs.Pairs {
		in := decls.Lookup(p.Key)
		if in == nil {
			c.failWide(p.At, len(p.Key), cmp.Or(schema.DidYouMean(p.Key, decls.Names()), "its inputs are: "+strings.Join(decls.Names(), ", ")), "playbook %q has no input %q", n.Call.Program.Playbook.Metadata.Name, p.Key)
			continue
		}
		n.Call.given[p.Key] = p.Value
		c.templates(p.Value, inputType(in.Type), env, n.values)
		if hasTemplate(p.Value) {
			continue
		}
		if _, err := in.Parse(p.Value); err != nil {
			c.fail(p.Value.Pos, "", "input %q: %s", p.Key, err)
		}
	}
	for i := range decls {
		if in := &decls[i]; in.Default.Kind == schema.Null && n.Call.given[in.Name].IsZero() {
			c.fail(at.Pos, "add it under inputs:", "playbook %q needs a value for input %q", n.Call.Program.Playbook.Metadata.Name, in.Name)
		}
	}
}

func hasTemplate(t schema.Tree) bool {
	found := false
	t.Walk(func(t schema.Tree) { found = found || t.Kind == schema.Template })
	return found
}

// outputs compiles what a playbook gives to the one that runs it.
func (c *compiler) outputs(decls map[string]schema.Expr) map[string]*guard.Value {
	out := map[string]*guard.Value{}
	for _, name := range slices.Sorted(maps.Keys(decls)) {
		v, err := guard.CompileValue(decls[name].Source, c.env())
		if err != nil {
			c.exprError(decls[name].Pos, decls[name].Source, err)
			continue
		}
		out[name] = v
	}
	return out
}

func givenBy(p *Program) *schema.Type {
	t := &schema.Type{Kind: "object"}
	for _, name := range slices.Sorted(maps.Keys(p.outputs)) {
		kind := p.outputs[name].Kind()
		if kind == "duration" {
			kind = "string" // as it comes back from the journal
		}
		t.Fields = append(t.Fields, schema.Field{Name: name, Type: &schema.Type{Kind: kind, Elem: &schema.Type{Kind: "any"}}})
	}
	return t
}
