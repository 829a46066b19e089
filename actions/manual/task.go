package manual

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type taskIn struct {
	Message string `json:"message" doc:"what is to be done by hand, and how one sees that it is done"`
}

func taskAction() actions.Action {
	return actions.Define(actions.Def[taskIn, struct{}, answerOut]{
		Name:    "manual.task",
		Summary: "Wait until a person has done something by hand: runback approve RUN STEP says that it is done, with --deny that it could not be done, which fails the step. Nothing is known of what was done but the answer.",
		Effect:  actions.Observe,
		Preview: func(_ context.Context, _ *actions.Call, in taskIn, _ struct{}) (actions.Preview, error) {
			return preview("waits until a person has done: " + in.Message), nil
		},
		Run:  task,
		Tell: func(o answerOut) string { return "done " + tell(o) },
		Examples: []actions.Example{
			{Title: "What only a person can do", YAML: "uses: manual.task\nwith: {message: Switch the status page to \"degraded\"}\ntimeout: 5m"},
		},
	})
}

func task(ctx context.Context, c *actions.Call, in taskIn, _ struct{}) (answerOut, error) {
	a, err := ask(ctx, c, actions.Question{Text: in.Message, Task: true})
	if err != nil {
		return answerOut{}, fmt.Errorf("nobody said that it is done: %w", err)
	}
	if !a.Yes {
		return answerOut{}, fmt.Errorf("it could not be done, %s", tell(out(a)))
	}
	return out(a), nil
}
