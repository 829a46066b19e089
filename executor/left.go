package executor

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// LeaveOut gives the paths of the steps that a person leaves out of a run: those
// named, and with from all that come before that step. It refuses what would
// leave a later step without the outputs that it needs: that would be found out
// half-way.
func (p *Program) LeaveOut(from string, skip []string) ([]string, error) {
	out := map[string]bool{}
	for _, name := range skip {
		n, err := p.named(name)
		if err != nil {
			return nil, err
		}
		out[n.Path] = true
	}
	if from != "" {
		n, err := p.named(from)
		if err != nil {
			return nil, err
		}
		if !before(p.Body.Steps, n, out) {
			return nil, actions.Refuse("name a step of the playbook's steps", "step %s runs in rescue or finally: a run cannot begin there", from)
		}
	}
	var paths []string
	p.Walk(func(n *Node, _ string, _ int) {
		if out[n.Path] {
			paths = append(paths, n.Path)
		}
	})
	return paths, p.stillKnown(out)
}

// named finds a step by its path or by its id.
func (p *Program) named(name string) (*Node, error) {
	var found *Node
	var names []string
	p.Walk(func(n *Node, _ string, _ int) {
		names = append(names, n.Step.ID)
		if n.Path == name || found == nil && n.Step.ID == name {
			found = n
		}
	})
	if found != nil && strings.Contains(found.Path, anyTurn) {
		return nil, actions.Refuse("leave the whole block out", "step %s is done once for each element of a list: it cannot be left out for all of them", name)
	}
	if found == nil {
		return nil, &InputError{Problems: []string{fmt.Sprintf("playbook %s has no step %q", p.Playbook.Metadata.Name, name)},
			Hint: cmp.Or(schema.DidYouMean(name, names), "see: runback show "+p.Playbook.Metadata.Name)}
	}
	return found, nil
}

// before marks what runs before a node, and says whether it stands among steps.
func before(steps []*Node, to *Node, out map[string]bool) bool {
	for i, n := range steps {
		inside := map[string]bool{}
		if n != to && !before(n.Body.Steps, to, inside) {
			continue
		}
		for _, earlier := range steps[:i] {
			out[earlier.Path] = true
		}
		for path := range inside {
			out[path] = true
		}
		return true
	}
	return false
}

// stillKnown refuses when a step that runs needs outputs of one that does not.
func (p *Program) stillKnown(out map[string]bool) error {
	gone := map[string]bool{} // ids of steps without outputs
	p.Walk(func(n *Node, _ string, _ int) {
		if leftOutWith(n.Path, out) {
			gone[frameOf(n.Path)+" "+n.Step.ID] = true
		}
	})
	var err error
	p.Walk(func(n *Node, _ string, _ int) {
		if err != nil || leftOutWith(n.Path, out) {
			return
		}
		for _, need := range n.requires() {
			if id, ok := outputsOf(need); ok && lost(gone, n.Path, id) {
				err = actions.Refuse("leave that step out too, or run step "+id, "step %s needs %s, and step %s would be left out", n.Path, need, id)
				return
			}
		}
	})
	return err
}

// lost says whether the step that an id means at a path is left out.
func lost(gone map[string]bool, at, id string) bool {
	for frame, seen := frameOf(at), true; seen; frame, seen = around(frame) {
		if gone[frame+" "+id] {
			return true
		}
	}
	return false
}

// leftOutWith says whether a step or a block around it is left out.
func leftOutWith(path string, out map[string]bool) bool {
	for p := path; ; {
		if out[p] {
			return true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return false
		}
		p = p[:i]
	}
}

func (n *Node) requires() []string {
	var out []string
	if n.When != nil {
		out = append(out, n.When.Requires()...)
	}
	for _, e := range n.Expect {
		out = append(out, e.that.Requires()...)
	}
	if n.Verify != nil {
		out = append(out, n.Verify.until.Requires()...)
	}
	for _, v := range n.values {
		out = append(out, v.Requires()...)
	}
	return out
}

// outputsOf reads steps.ID.outputs...: whose outputs an expression needs.
func outputsOf(need string) (id string, ok bool) {
	rest, found := strings.CutPrefix(need, "steps.")
	id, rest, _ = strings.Cut(rest, ".")
	return id, found && (rest == "outputs" || strings.HasPrefix(rest, "outputs."))
}

// leftOut finds the decision to leave a step out.
func (r Request) leftOut(path string) (journal.Decided, bool) {
	for _, l := range r.Left {
		if l.Path == path {
			return l.Decided, true
		}
	}
	return journal.Decided{}, false
}
