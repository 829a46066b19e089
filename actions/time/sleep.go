package time

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

type sleepIn struct {
	For schema.Duration `json:"for" doc:"how long to wait"`
}

type sleepOut struct {
	For schema.Duration `json:"for" doc:"how long was waited"`
}

func sleepAction() actions.Action {
	return actions.Define(actions.Def[sleepIn, struct{}, sleepOut]{
		Name:    "time.sleep",
		Summary: "Wait for a fixed time, as for connections to drain; to wait for something that can be seen, use verify.",
		Effect:  actions.Observe,
		Preview: func(_ context.Context, _ *actions.Call, in sleepIn, _ struct{}) (actions.Preview, error) {
			return actions.Preview{Label: actions.Exact, Summary: "waits " + in.For.String()}, nil
		},
		Run: sleep,
		Examples: []actions.Example{
			{Title: "Let connections drain", YAML: "uses: time.sleep\nwith: {for: 30s}"},
		},
	})
}

func sleep(ctx context.Context, c *actions.Call, in sleepIn, _ struct{}) (sleepOut, error) {
	if err := c.Wait(ctx, in.For.Std()); err != nil {
		return sleepOut{}, fmt.Errorf("waiting %s: %w", in.For, err)
	}
	return sleepOut(in), nil
}
