package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/schema"
)

// probeGrace is short: a question has little time, and is not worth more.
const probeGrace = schema.Duration(time.Second)

type lookIn struct{ program }

func (f family) lookAction() actions.Action {
	return actions.Define(actions.Def[lookIn, prepared, result]{
		Name:    "command.look",
		Summary: "Run a program of this machine that only looks; it may be run again at any time, is stopped when nobody waits for it, and a plan does not run it.",
		Effect:  actions.Observe,
		Prepare: func(_ context.Context, c *actions.Call, in lookIn) (prepared, error) { return in.prepare(c.Key, nil) },
		Preview: func(_ context.Context, _ *actions.Call, in lookIn, st prepared) (actions.Preview, error) {
			return in.preview(st), nil
		},
		Run:  f.look,
		Tell: tell,
		Examples: []actions.Example{
			{Title: "See what a tool says", YAML: "uses: command.look\nwith: {args: [/bin/uname, -r]}\nexpect: outputs.stdout startsWith \"6.\""},
			{Title: "Take an exit code for an answer", YAML: "uses: command.look\nwith: {args: [/bin/sh, ./queue-is-empty.sh], success_codes: [0, 1]}\nverify: {until: outputs.exit_code == 0, within: 2m}"},
		},
	})
}

func (f family) look(ctx context.Context, c *actions.Call, in lookIn, st prepared) (result, error) {
	if err := errors.Join(st.named(), st.Program.same()); err != nil {
		return result{}, err
	}
	st.Child = childName(c.Key) // it is looked again and again
	state, o, r, err := f.observe(ctx, c, in.program, st)
	switch {
	case err != nil:
		return r, actions.Cause(ctx, err)
	case ctx.Err() != nil:
		return r, fmt.Errorf("%w: %s", context.Cause(ctx), how(in.Args[0], o, r))
	case state != supervise.Exited:
		return r, errors.New("nobody saw how the command ended: its supervisor was killed")
	case !in.success(o):
		return r, errors.New(how(in.Args[0], o, r))
	default:
		return r, nil
	}
}

// observe runs a command that changes nothing. It is tied to this process: a
// look that nobody waits for is stopped. Nothing is kept of it.
func (f family) observe(ctx context.Context, c *actions.Call, p program, st prepared) (state supervise.State, o supervise.Outcome, r result, err error) {
	base, err := f.base()
	if err != nil {
		return state, o, r, actions.Invalid(actions.HintOf(err), "nowhere to record child processes: %w", err)
	}
	dir := filepath.Join(base, st.Child)
	spec := p.spec(ctx, dir, st)
	spec.Tied = true
	child, err := supervise.Start(ctx, spec)
	if errors.Is(err, supervise.ErrNeverRan) {
		err = errors.Join(actions.Invalid("", "%w", err), os.RemoveAll(dir))
	}
	if err != nil {
		return state, o, r, err
	}
	if state, o, err = attend(ctx, c, child, p.limits()); err != nil {
		return state, o, r, err
	}
	r = read(child, state, o)
	return state, o, r, os.RemoveAll(dir)
}
