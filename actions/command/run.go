package command

import (
	"context"
	"errors"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

type runIn struct {
	program
	AtMostOnce bool      `json:"at_most_once" default:"true" doc:"whether it must not be run again when nobody can tell what it did, because it was lost or stopped halfway; false says that twice does no harm"`
	Probe      *question `json:"probe,omitempty" doc:"a command that answers, when nobody can tell what it did, whether it took effect: exit code 0 yes, 1 no, any other not known; it has 5s"`
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
		p.Notes = append(p.Notes, "if nobody can tell what it did, it is asked for by "+actions.Quoted(in.Probe.Args))
	case in.AtMostOnce:
		p.Notes = append(p.Notes, "it cannot be asked for: if nobody can tell what it did, a person decides")
	default:
		p.Notes = append(p.Notes, "if nobody can tell what it did, it is run again")
	}
	return p, nil
}

// preview tells what will be run; what that does cannot be known.
func (p program) preview(st prepared) actions.Preview {
	out := actions.Preview{
		Label: actions.Opaque, Summary: "runs " + actions.Quoted(p.Args), Object: st.Program.Path,
		Notes: []string{"in " + st.Dir},
	}
	if st.Program.SHA256 != "" {
		out.Notes = append(out.Notes, "program has sha256 "+st.Program.SHA256)
	}
	return out
}

// run starts the command, or attaches to it when it was started before. One
// that was cut short is asked about first.
func (f family) run(ctx context.Context, c *actions.Call, in runIn, st prepared) (result, error) {
	o := in.order(st)
	switch was, err := f.room.Look(st.Job); {
	case err != nil:
		return result{}, err
	case cutShort(was, in.program):
		v, err := f.ask(ctx, c, in, st, was)
		if v != actions.NotApplied {
			return result{}, errors.Join(errors.New("the command was run before and is not run again"), err)
		}
		o.Instead = was.Dir()
	}
	end, err := f.room.Do(ctx, c, st.Job, o)
	if err != nil {
		return result{}, err
	}
	return finished(ctx, in.program, end)
}

// finished turns what is known of a child that is gone into outputs or an
// error.
func finished(ctx context.Context, p program, e tool.End) (result, error) {
	switch e.State {
	case supervise.Exited:
	case supervise.Lost:
		return result{}, e.Lost()
	default:
		return result{}, tool.ErrNotStarted // the probe says the same
	}
	r := read(e)
	switch {
	case e.Success(p.SuccessCodes...):
		return r, nil
	case ctx.Err() != nil:
		return r, actions.Ended(e.Hint(), "%w: %s", context.Cause(ctx), e.How(p.Args[0]))
	default:
		return r, actions.Ended(e.Hint(), "%s", e.How(p.Args[0]))
	}
}
