package executor

import (
	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// Program is a compiled playbook: every name resolved, every expression typed.
// It is immutable and holds no input values.
type Program struct {
	Source   schema.Source
	Playbook *schema.Playbook
	Body     Body
	target   targetNode
	byPath   map[string]*Node
	outputs  map[string]*guard.Value // what it gives to the playbook that runs it
}

// Body is what a playbook or a block does.
type Body struct {
	Steps, Rescue, Finally []*Node

	Success []*Node // of a playbook: what must come true after its steps
	AtOnce  int     // how many of the steps go on side by side, 0: one after the other
	turns   bool    // of a foreach: it is done once for each element
}

// Node is one compiled step or block.
type Node struct {
	Path   string // ids from the top, unique in the playbook
	Step   *schema.Step
	When   *guard.Guard // nil: always
	Action *actions.Action
	Expect []expectation
	Verify *verification
	Body   Body  // of a block
	Call   *Call // of a block that is another playbook

	values map[string]*guard.Value // the expressions of its inputs, by source text
	reads  guard.Reads             // by all of them
}

// IsBlock says whether the node holds nodes.
func (n *Node) IsBlock() bool { return n.Action == nil }

type expectation struct {
	that    *guard.Guard
	message string
}

type verification struct {
	until *guard.Guard
	rule  *schema.Verify
}

type targetNode struct{ values map[string]*guard.Value }

// Walk calls f for every node in the order of the document, blocks before
// what they hold, with the section each stands in.
func (p *Program) Walk(f func(n *Node, section string, depth int)) { p.Body.walk(f, "steps", 0) }

func (b Body) walk(f func(*Node, string, int), section string, depth int) {
	for _, part := range []struct {
		nodes []*Node
		name  string
	}{{b.Steps, section}, {b.Rescue, "rescue"}, {b.Success, "success"}, {b.Finally, "finally"}} {
		for _, n := range part.nodes {
			f(n, part.name, depth)
			n.Body.walk(f, part.name, depth+1)
		}
	}
}

// read notes what the expressions of a node read.
func (n *Node) read() {
	for _, v := range n.values {
		n.reads = n.reads.And(v.Reads())
	}
}
