package executor

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/runbackhq/runback/schema"
)

// anyTurn stands in the path of a step of a foreach for the number of its turn.
const anyTurn = "[]"

var turnNumber = regexp.MustCompile(`\[\d+\]`)

// At gives the step or block that a path of a run leads to, nil when there is
// none: a step of a foreach is there once in the program, and once for each
// turn in a run.
func (p *Program) At(path string) *Node {
	n := p.byPath[turnNumber.ReplaceAllString(path, anyTurn)]
	if n == nil && strings.HasSuffix(path, turnMark) {
		return p.turnAt(path)
	}
	if n == nil || n.Path == path {
		return n
	}
	moved := *n
	moved.Path = path
	return &moved
}

func (p *Program) turnAt(path string) *Node {
	i := strings.LastIndex(path, "[")
	block := p.At(path[:i])
	if block == nil {
		return nil
	}
	turn := block.turn(path[i:])
	turn.Body = Body{} // whose paths are those of the program
	return turn
}

// index notes every node under its path.
func (p *Program) index() {
	p.byPath = map[string]*Node{}
	p.Walk(func(n *Node, _ string, _ int) { p.byPath[n.Path] = n })
}

// turn gives one turn of a foreach as a block of its own: [0], [1] and so on.
func (n *Node) turn(number string) *Node {
	step := schema.Step{Pos: n.Step.Pos, ID: n.Step.ID + number, Name: n.Step.Name, OnFailure: "stop"}
	body := n.Body.moved(n.Path+anyTurn, n.Path+number)
	body.AtOnce, body.turns = 0, false // the turns go on side by side, not the steps of one
	return &Node{Path: n.Path + number, Step: &step, Body: body}
}

func (b Body) moved(from, to string) Body {
	b.Steps, b.Rescue, b.Finally = moved(b.Steps, from, to), moved(b.Rescue, from, to), moved(b.Finally, from, to)
	b.Success = moved(b.Success, from, to)
	return b
}

func moved(nodes []*Node, from, to string) []*Node {
	var out []*Node
	for _, n := range nodes {
		m := *n
		m.Path = to + strings.TrimPrefix(n.Path, from)
		m.Body = n.Body.moved(from, to)
		out = append(out, &m)
	}
	return out
}

func turnNo(i int) string { return fmt.Sprintf("[%d]", i) }
