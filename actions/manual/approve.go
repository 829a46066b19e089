package manual

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type approveIn struct {
	Message   string `json:"message" doc:"what is to be agreed to; say what happens next and what cannot be taken back"`
	ByAnother bool   `json:"by_another,omitempty" doc:"whether somebody else than who started the run must agree"`
}

func approveAction() actions.Action {
	return actions.Define(actions.Def[approveIn, struct{}, answerOut]{
		Name:    "manual.approve",
		Summary: "Wait until a person agrees: runback approve RUN STEP. Without an answer within the timeout of the step the run fails; a no refuses it. The answer is bound to this question of this run, on this target.",
		Effect:  actions.Observe,
		Preview: func(_ context.Context, _ *actions.Call, in approveIn, _ struct{}) (actions.Preview, error) {
			who := "a person"
			if in.ByAnother {
				who = "somebody else than who starts the run"
			}
			return preview("waits until " + who + " agrees: " + in.Message), nil
		},
		Run:  approve,
		Tell: func(o answerOut) string { return "approved " + tell(o) },
		Examples: []actions.Example{
			{Title: "Ask before data is lost", YAML: "uses: manual.approve\nwith:\n  message: The restore loses what was written since the backup. Go on?\n  by_another: true\ntimeout: 1m"},
		},
	})
}

func approve(ctx context.Context, c *actions.Call, in approveIn, _ struct{}) (answerOut, error) {
	a, err := ask(ctx, c, actions.Question{Text: in.Message, Other: in.ByAnother})
	if err != nil {
		return answerOut{}, fmt.Errorf("nobody agreed to %q: %w", in.Message, err)
	}
	if !a.Yes {
		return answerOut{}, actions.Refuse("", "not approved %s", tell(out(a)))
	}
	return out(a), nil
}
