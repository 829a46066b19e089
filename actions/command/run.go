package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
)

type runIn struct {
	program
	AtMostOnce bool      `json:"at_most_once" default:"true" doc:"whether it must not be run again when nobody can tell how it ended; false says that twice does no harm"`
	Probe      *question `json:"probe,omitempty" doc:"a command that answers, when nobody can tell how it ended, whether it took effect: exit code 0 yes, 1 no, any other not known; it has 5s"`
}

func (f family) runAction() actions.Action {
	return actions.Define(actions.Def[runIn, prepared, result]{
		Name:    "command.run",
		Summary: "Run a program of this machine that changes something, at most once; it outlives a crash of runback, and a resume learns how it ended.",
		Effect:  actions.Change,
		Prepare: func(_ context.Context, c *actions.Call, in runIn) (prepared, error) {
			return in.prepare(c.Key, in.Probe)
		},
		Preview: previewRun,
		Run:     f.run,
		Probe:   f.probe,
		NoUndo:  "a command has no known inverse; write the one that undoes it as a step of rescue",
		Tell:    tell,
		Examples: []actions.Example{
			{Title: "Switch a feature off", YAML: "uses: command.run\nwith: {args: [/bin/echo, flags, disable, new-checkout]}"},
			{Title: "Say how to find out whether it took effect", YAML: "uses: command.run\nwith:\n  args: [/bin/sh, ./restore-search-index.sh, --to, green]\n  probe: {args: [/bin/sh, ./search-index-is.sh, green]}\ntimeout: 5m"},
		},
	})
}

func previewRun(_ context.Context, _ *actions.Call, in runIn, st prepared) (actions.Preview, error) {
	p := in.preview(st)
	switch {
	case in.Probe != nil:
		p.Notes = append(p.Notes, "if nobody can tell how it ended, it is asked for by "+quoted(in.Probe.Args))
	case in.AtMostOnce:
		p.Notes = append(p.Notes, "it cannot be asked for: if nobody can tell how it ended, a person decides")
	default:
		p.Notes = append(p.Notes, "if nobody can tell how it ended, it is run again")
	}
	return p, nil
}

// preview tells what will be run; what that does cannot be known.
func (p program) preview(st prepared) actions.Preview {
	out := actions.Preview{
		Label: actions.Opaque, Summary: "runs " + quoted(p.Args), Object: st.Program.Path,
		Notes: []string{"in " + st.Dir},
	}
	if st.Program.SHA256 != "" {
		out.Notes = append(out.Notes, "program has sha256 "+st.Program.SHA256)
	}
	return out
}

// run starts the command, or attaches to it when it was started before.
func (f family) run(ctx context.Context, c *actions.Call, in runIn, st prepared) (result, error) {
	if err := st.named(); err != nil {
		return result{}, err
	}
	child, err := f.begin(ctx, c, in, st)
	if err != nil {
		return result{}, err
	}
	state, o, err := attend(ctx, c, child, in.limits())
	if err != nil {
		return result{}, actions.Cause(ctx, err)
	}
	return finished(ctx, in.program, child, state, o)
}

// begin gives the child of this attempt. It is started when it was not, and
// when it was lost and did not take effect.
func (f family) begin(ctx context.Context, c *actions.Call, in runIn, st prepared) (*supervise.Child, error) {
	base, err := f.base()
	if err != nil {
		return nil, actions.Invalid(actions.HintOf(err), "nowhere to record child processes: %w", err)
	}
	dir, next := latest(base, st.Child)
	child := supervise.Attach(dir)
	state, _, err := child.Look()
	switch {
	case err != nil:
		return nil, err
	case state == supervise.Running || state == supervise.Exited:
		return child, nil
	case state == supervise.Lost:
		v, err := f.ask(ctx, c, in, st, child)
		if v != actions.NotApplied {
			return nil, errors.Join(errors.New("the command was run before and is not run again"), err)
		}
		dir = next
	}
	if err := st.Program.same(); err != nil {
		return nil, err
	}
	child, err = supervise.Start(ctx, in.spec(ctx, dir, st))
	switch {
	case errors.Is(err, supervise.ErrTaken) || errors.Is(err, supervise.ErrStarted):
		return supervise.Attach(dir), nil // somebody was faster, with the same attempt
	case errors.Is(err, supervise.ErrNeverRan):
		return nil, actions.Invalid("", "%w", err)
	default:
		return child, err
	}
}

func (p program) spec(ctx context.Context, dir string, st prepared) supervise.Spec {
	s := supervise.Spec{
		Dir: dir, Program: st.Program.Path, Args: p.Args, Env: p.environment(), WorkDir: st.Dir, Stdin: []byte(p.Stdin), Limits: p.limits(),
	}
	// The time of the step is held even when nobody is left to watch it.
	s.Deadline, _ = ctx.Deadline()
	return s
}

// finished turns what is known of a child that is gone into outputs or an
// error.
func finished(ctx context.Context, p program, child *supervise.Child, state supervise.State, o supervise.Outcome) (result, error) {
	switch state {
	case supervise.Exited:
	case supervise.Lost:
		return result{}, lost(child)
	default:
		return result{}, errors.New("the command was not started") // the probe says the same
	}
	r := read(child, state, o)
	switch {
	case p.success(o):
		return r, nil
	case ctx.Err() != nil:
		return r, actions.Ended(hint(child), "%w: %s", context.Cause(ctx), how(p.Args[0], o, r))
	default:
		return r, actions.Ended(hint(child), "%s", how(p.Args[0], o, r))
	}
}

func lost(child *supervise.Child) error {
	return fmt.Errorf("nobody saw how the command ended: its supervisor is gone and left no record in %s", child.Dir())
}
