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
		return actions.InFlight, result{}, nil
	case supervise.Lost:
		v, err := f.ask(ctx, c, in, st, end)
		if v != actions.Applied {
			return v, result{}, err
		}
		return v, read(end), nil
	default:
	}
	r, err := finished(context.WithoutCancel(ctx), in.program, end)
	if err != nil {
		return actions.Partial, r, err
	}
	return actions.Applied, r, nil
}

// ask finds out whether a command that was lost took effect: by the command
// that the playbook names for it, or by what it says of a second run. An error
// comes with every Unknown, so that a person reads what is missing.
func (f family) ask(ctx context.Context, c *actions.Call, in runIn, st prepared, lost tool.End) (actions.Verdict, error) {
	switch {
	case in.Probe != nil && st.Probe != nil:
	case in.AtMostOnce:
		return actions.Unknown, lost.Lost()
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
		return actions.Unknown, errors.Join(lost.Lost(), fmt.Errorf("probe: %w", err))
	case verdict == actions.Unknown:
		return verdict, errors.Join(lost.Lost(), errors.New("probe: "+how))
	default:
		return verdict, nil
	}
}
