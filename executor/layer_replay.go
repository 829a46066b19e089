package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// replayed answers for steps that ended before: a resume never asks a finished
// step again, and never asks its guard again.
func (s *session) replayed(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		st := s.known(c.node)
		if st != nil && st.Status != "" {
			return recalled(c.node.Path, st)
		}
		if st != nil && (st.Open || st.Acted) {
			intent, err := s.recorded(st.Intent)
			if err != nil {
				return failed(err, c.node.Path)
			}
			c.attempt, c.intent, c.pending = st.Attempt, intent, true
		}
		return next(ctx, c)
	}
}

// recorded gives what was announced, with its secrets.
func (s *session) recorded(in *journal.Intent) (*journal.Intent, error) {
	if in == nil || s.secrets.Empty() {
		return in, nil
	}
	out := *in
	var err error
	out.State, err = s.secrets.RevealJSON(in.State)
	return &out, err
}

func recalled(path string, st *journal.StepState) outcome {
	out := outcome{status: st.Status, outputs: st.Outputs, step: cmp.Or(st.Decided(), path), recorded: true}
	switch {
	case out.ok():
	case st.Failure != nil:
		out.err = &actions.Error{Hint: st.Failure.Hint, Err: errors.New(st.Failure.Message)}
	default:
		out.err = fmt.Errorf("%s ended %s", path, st.Status)
	}
	return out
}
