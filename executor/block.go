package executor

import (
	"context"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// block runs what a block holds, within its own budget.
func (s *session) block(ctx context.Context, n *Node) outcome {
	st := s.known(n)
	if st != nil && st.Status != "" {
		return recalled(n.Path, st)
	}
	if st == nil || st.Start.IsZero() {
		if out, stop := s.judge(ctx, n); stop {
			return out
		}
		if out := s.begin(ctx, n); !out.ok() {
			return out
		}
		st = s.known(n)
	}
	bounded, cancel := ctx, func() {}
	if !st.Deadline.IsZero() {
		bounded, cancel = s.within(ctx, st.Deadline, &SpentError{Owner: owner(n), Allowed: n.budget()})
	}
	defer cancel()
	out := s.inside(bounded, n, st)
	if out.final() || isNotDurable(out.err) {
		return out // the block is not over
	}
	end := journal.Ended{Status: out.status, Step: out.step, Outputs: out.outputs}
	if out.err != nil {
		end.Message, end.Hint = out.err.Error(), actions.HintOf(out.err)
	}
	if err := s.record(ctx, journal.BlockEnd, n.Path, end); err != nil {
		return outcome{status: journal.FailedRun, err: err, step: n.Path}
	}
	if strings.HasSuffix(n.Path, turnMark) {
		s.leave(n)
	}
	return out
}

// leave lets go of what a turn of a foreach gave, which nothing sees any more.
// The journal has it.
func (s *session) leave(turn *Node) {
	s.scope.leave(turn.Path)
	s.recording.Lock()
	defer s.recording.Unlock()
	for _, n := range turn.Body.Steps {
		if st := s.state.Steps[n.Path]; st != nil {
			st.Outputs = nil
		}
	}
}

// begin opens a block and records what it was opened with, so that a resume
// does not ask for it again: how often it turns, what it is given.
func (s *session) begin(ctx context.Context, n *Node) outcome {
	began := journal.Began{}
	if b := n.budget(); b > 0 {
		began.Deadline = s.Clock.Now().Add(b)
	}
	var err error
	switch {
	case n.Turns():
		began.Items, err = n.items(s.values(n, n.reads))
	case n.Call != nil:
		began.Inputs, err = n.Call.inputs(n, s.values(n, n.reads))
	}
	if err != nil {
		return failed(err, n.Path)
	}
	if err := s.note(ctx, journal.BlockStart, n.Path, began); err != nil {
		return outcome{status: journal.FailedRun, err: err, step: n.Path}
	}
	return outcome{status: journal.Succeeded}
}

func (s *session) inside(ctx context.Context, n *Node, st *journal.StepState) outcome {
	switch {
	case n.Turns():
		body := Body{AtOnce: n.Body.AtOnce}
		for i, item := range st.Items() {
			turn := n.turn(turnNo(i))
			s.scope.bind(turn.Path, "item", item)
			body.Steps = append(body.Steps, turn)
		}
		return s.body(ctx, body, 0, "")
	case n.Call != nil:
		return s.called(ctx, n, st)
	default:
		return s.body(ctx, n.Body, schema.BlockFinally.Std(), "finally of "+owner(n))
	}
}

// budget is the time of a block; one that runs another playbook has the budget
// of that one, or the shorter one that it was given.
func (n *Node) budget() time.Duration {
	b := n.Step.Budget.Std()
	if n.Call != nil && b == 0 {
		return n.Call.Program.Playbook.Spec.Budget.Std()
	}
	return b
}
