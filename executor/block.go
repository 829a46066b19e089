package executor

import (
	"context"
	"path"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// block runs what a block holds, within its own budget.
func (s *session) block(ctx context.Context, n *Node) outcome {
	st := s.state.Steps[n.Path]
	if st != nil && st.Status != "" {
		return recalled(n.Path, st)
	}
	if st == nil {
		if out, stop := s.judge(ctx, n); stop {
			return out
		}
		began := journal.Began{}
		if b := n.Step.Budget.Std(); b > 0 {
			began.Deadline = s.Clock.Now().Add(b)
		}
		if err := s.record(ctx, journal.BlockStart, n.Path, began); err != nil {
			return outcome{status: journal.FailedRun, err: err, step: n.Path}
		}
		st = s.state.Steps[n.Path]
	}
	bounded, cancel := ctx, func() {}
	if !st.Deadline.IsZero() {
		bounded, cancel = s.within(ctx, st.Deadline, &SpentError{Owner: owner(n), Allowed: n.Step.Budget.Std()})
	}
	defer cancel()
	out := s.body(bounded, n.Body, schema.BlockFinally.Std(), "finally of "+owner(n))
	if out.final() || isNotDurable(out.err) {
		return out // the block is not over
	}
	end := journal.Ended{Status: out.status, Step: out.step}
	if out.err != nil {
		end.Message = out.err.Error()
	}
	if err := s.record(ctx, journal.BlockEnd, n.Path, end); err != nil {
		return outcome{status: journal.FailedRun, err: err, step: n.Path}
	}
	return out
}

func base(p string) string { return path.Base(p) }
