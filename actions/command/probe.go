package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// probe says what became of a command that was announced.
func (f family) probe(ctx context.Context, c *actions.Call, in runIn, st prepared) (actions.Verdict, result, error) {
	end, err := f.room.Look(st.Job)
	if err != nil {
		return actions.Unknown, result{}, err
	}
	switch end.State {
	case supervise.NotStarted:
		return actions.NotApplied, result{}, nil
	case supervise.Running:
		return actions.InFlight, result{}, end.AtWork()
	default:
	}
	if cutShort(end, in.program) {
		v, err := f.ask(ctx, c, in, st, end)
		if v != actions.Applied {
			return v, result{}, err
		}
		return v, read(end), nil
	}
	r, err := finished(context.WithoutCancel(ctx), in.program, end)
	if err != nil {
		return actions.Partial, r, err
	}
	return actions.Applied, r, nil
}

// cutShort says of a command that ended whether nobody can tell by its end what
// it did: it was lost, or an executor had it stopped in the middle of its work.
func cutShort(e tool.End, p program) bool {
	return e.State == supervise.Lost || e.State == supervise.Exited && e.Stopped == supervise.Asked && !e.Success(p.SuccessCodes...)
}

// unknown says why.
func unknown(e tool.End, p program) error {
	if e.State == supervise.Lost {
		return e.Lost()
	}
	return &actions.Error{Kind: actions.KindFailed, Hint: e.Hint(), Err: errors.New(e.How(p.Args[0]) + "; what it did until then is not known")}
}

// ask finds out whether a command that was cut short took effect: by the command
// that the playbook names for it, or by what it says of a second run. An error
// comes with every Unknown, so that a person reads what is missing.
func (f family) ask(ctx context.Context, c *actions.Call, in runIn, st prepared, was tool.End) (actions.Verdict, error) {
	why := unknown(was, in.program)
	switch {
	case in.Probe != nil && st.Probe != nil:
	case in.AtMostOnce:
		return actions.Unknown, why
	default:
		return actions.NotApplied, nil
	}
	p := in.program
	p.Args, p.Stdin, p.Grace = in.Probe.Args, "", probeGrace
	verdict, how := actions.Unknown, ""
	err := f.room.Observe(ctx, c, p.order(prepared{Dir: st.Dir, Program: *st.Probe}), func(e tool.End) {
		switch {
		case e.Success(0):
			verdict = actions.Applied
		case e.Success(1):
			verdict = actions.NotApplied
		default:
			how = e.How(p.Args[0])
		}
	})
	switch {
	case err != nil:
		return actions.Unknown, errors.Join(why, fmt.Errorf("probe: %w", err))
	case verdict == actions.Unknown:
		return verdict, errors.Join(why, errors.New("probe: "+how))
	default:
		return verdict, nil
	}
}
