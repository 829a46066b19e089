package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
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
	var r result
	var why error
	err := f.room.Observe(ctx, c, in.order(st), func(e tool.End) {
		r = read(e)
		switch {
		case ctx.Err() != nil:
			why = fmt.Errorf("%w: %s", context.Cause(ctx), e.How(in.Args[0]))
		case e.State != supervise.Exited:
			why = errors.New("nobody saw how the command ended: its supervisor was killed")
		case !e.Success(in.SuccessCodes...):
			why = errors.New(e.How(in.Args[0]))
		}
	})
	if err != nil {
		return r, actions.Cause(ctx, err)
	}
	return r, why
}
