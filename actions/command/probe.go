package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
)

// probe says what became of a command that was announced.
func (f family) probe(ctx context.Context, c *actions.Call, in runIn, st prepared) (actions.Verdict, result, error) {
	if err := st.named(); err != nil {
		return actions.Unknown, result{}, err
	}
	base, err := f.base()
	if err != nil {
		return actions.Unknown, result{}, fmt.Errorf("child processes are not recorded: %w", err)
	}
	dir, _ := latest(base, st.Child)
	child := supervise.Attach(dir)
	state, o, err := child.Look()
	if err != nil {
		return actions.Unknown, result{}, err
	}
	switch state {
	case supervise.NotStarted:
		if here := host(); here != st.Host {
			return actions.Unknown, result{}, fmt.Errorf("the command was announced on %s, and whether it runs there cannot be seen from %s", st.Host, here)
		}
		return actions.NotApplied, result{}, nil
	case supervise.Running:
		return actions.InFlight, result{}, nil
	case supervise.Lost:
		v, err := f.ask(ctx, c, in, st, child)
		if v != actions.Applied {
			return v, result{}, err
		}
		return v, read(child, state, o), nil
	default:
	}
	r, err := finished(context.WithoutCancel(ctx), in.program, child, state, o)
	if err != nil {
		return actions.Partial, r, err
	}
	return actions.Applied, r, nil
}

// ask finds out whether a command that was lost took effect: by the command
// that the playbook names for it, or by what it says of a second run. An error
// comes with every Unknown, so that a person reads what is missing.
func (f family) ask(ctx context.Context, c *actions.Call, in runIn, st prepared, child *supervise.Child) (actions.Verdict, error) {
	switch {
	case in.Probe != nil && st.Probe != nil:
	case in.AtMostOnce:
		return actions.Unknown, lost(child)
	default:
		return actions.NotApplied, nil
	}
	p := in.program
	p.Args, p.Stdin, p.SuccessCodes, p.Grace = in.Probe.Args, "", nil, probeGrace
	asked := prepared{Child: childName(c.Key), Dir: st.Dir, Program: *st.Probe}
	state, o, r, err := f.observe(ctx, c, p, asked)
	switch {
	case err != nil:
		return actions.Unknown, errors.Join(lost(child), fmt.Errorf("probe: %w", err))
	case state == supervise.Exited && o.Signal == "" && o.Code == 0:
		return actions.Applied, nil
	case state == supervise.Exited && o.Signal == "" && o.Code == 1:
		return actions.NotApplied, nil
	default:
		return actions.Unknown, errors.Join(lost(child), errors.New("probe: "+how(p.Args[0], o, r)))
	}
}
