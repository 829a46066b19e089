package helm

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// run starts helm, or attaches to the one that was started before. One that ended
// without any effect is followed by another.
func (f family) run(ctx context.Context, c *actions.Call, in rollbackIn, st prepared) (rollbackOut, error) {
	if st.Done {
		return st.out(), nil
	}
	if st.Job.Child == "" {
		return rollbackOut{}, actions.Invalid("", "what was prepared announces no attempt")
	}
	cl, err := f.cluster(ctx, c)
	if err != nil {
		return rollbackOut{}, err
	}
	o, err := st.order(cl, in, c.Key)
	if err != nil {
		return rollbackOut{}, err
	}
	was, err := f.room.Look(st.Job)
	if err != nil {
		return rollbackOut{}, err
	}
	if was.State != supervise.Running {
		if out, done, err := st.begin(ctx, cl, c.Key, was); done {
			return out, err
		}
		o.Again = true
		if was.State != supervise.NotStarted {
			o.Instead = was.Dir()
		}
	}
	end, err := f.room.Do(ctx, c, st.Job, o)
	if err != nil {
		return rollbackOut{}, err
	}
	return st.finished(ctx, cl, c.Key, end)
}

// begin says whether there is nothing to be started, and why.
func (st prepared) begin(ctx context.Context, cl Cluster, key string, was tool.End) (out rollbackOut, done bool, err error) {
	h, err := cl.history(ctx, st.Release)
	if err != nil {
		return out, true, err
	}
	_, _, moved := st.unmoved(h)
	if moved == nil {
		return out, false, nil
	}
	if was.State == supervise.NotStarted {
		return out, true, moved
	}
	v, out, err := st.judge(ctx, cl, h, key, was)
	if v == actions.Applied {
		return out, true, nil
	}
	return out, true, errors.Join(errors.New("the release was rolled back before and is not again"), err)
}

// finished turns the end of helm and what is stored into outputs or an error.
func (st prepared) finished(ctx context.Context, cl Cluster, key string, e tool.End) (rollbackOut, error) {
	if ctx.Err() != nil {
		return rollbackOut{}, fmt.Errorf("%w: helm was stopped", context.Cause(ctx)) // the probe asks what it did
	}
	h, err := cl.history(ctx, st.Release)
	if err != nil {
		return rollbackOut{}, over(err)
	}
	v, out, err := st.judge(ctx, cl, h, key, e)
	switch v {
	case actions.Applied:
		return out, nil
	case actions.NotApplied:
		return out, &actions.Error{Kind: actions.KindFailed, Hint: e.Hint(), Err: errors.New(how(e) + "; nothing was changed")}
	default:
		return out, over(err)
	}
}

// over gives an error that came after helm was started: it must not sound as if
// nothing was written.
func over(err error) error {
	switch actions.KindOf(err) {
	case actions.KindRefused, actions.KindConflict, actions.KindInvalid:
		return &actions.Error{Kind: actions.KindFailed, Hint: actions.HintOf(err), Err: err}
	default:
		return err
	}
}

// how says how helm ended.
func how(e tool.End) string {
	switch e.State {
	case supervise.Exited:
		return e.How("helm")
	case supervise.Lost:
		return "nobody saw how helm ended"
	default:
		return "helm was not started"
	}
}
