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
}

// Body is what a playbook or a block does.
type Body struct{ Steps, Rescue, Finally []*Node }

// Node is one compiled step or block.
type Node struct {
	Path   string // ids from the top, unique in the playbook
	Step   *schema.Step
	When   *guard.Guard // nil: always
	Action *actions.Action
	Expect []expectation
	Verify *verification
	Body   Body // of a block

	values map[string]*guard.Value // by source text
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
	}{{b.Steps, section}, {b.Rescue, "rescue"}, {b.Finally, "finally"}} {
		for _, n := range part.nodes {
			f(n, part.name, depth)
			n.Body.walk(f, part.name, depth+1)
		}
	}
}
