package executor_test

import (
	"context"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

type askIn struct {
	Is *bool `json:"is" doc:"a condition"`
	On bool  `json:"on" default:"true" doc:"a value"`
}

type askOut struct {
	Said string `json:"said" doc:"true, false or unknown"`
}

func ask(_ context.Context, _ *actions.Call, in askIn, _ struct{}) (askOut, error) {
	switch {
	case in.Is == nil:
		return askOut{"unknown"}, nil
	case *in.Is:
		return askOut{"true"}, nil
	}
	return askOut{"false"}, nil
}

// An input that may be unknown takes a condition in three values; the same text
// in any other place is refused while it is unknown.
func TestUnknownConditionsAreInputsWhereTheyMayBe(t *testing.T) {
	for with, want := range map[string]string{
		`is: "${{ steps.g.outputs.value > 0 }}"`:                                           "unknown",
		`is: "${{ steps.g.outputs.value > 0 && 1 > 2 }}"`:                                  "false",
		`is: "${{ steps.g.outputs.value > 0 || 1 < 2 }}"`:                                  "true",
		`is: "${{ steps.g.outputs.value == nil }}"`:                                        "true",
		`is: "${{ steps.g.outputs.value > 0 }}", on: "${{ steps.g.outputs.value > 0 }}"`:   "refused",
		`on: "${{ steps.g.outputs.value > 0 }}", is: "${{ steps.g.outputs.value > 0 }}"`:   "refused",
		`is: "${{ (steps.g.outputs.value ?? 1) > 0 }}", on: "${{ run.reason == run.id }}"`: "true",
	} {
		t.Run(with, func(t *testing.T) {
			b := newBench(t)
			st := b.run(spec(step(`id: g, uses: t.get, with: {key: g}`), step(`id: a, uses: t.ask, with: {`+with+`}`)))
			got := string(st.Status)
			if st.Status == journal.Succeeded {
				got, _ = st.Steps["a"].Outputs["said"].(string)
			}
			if got != want {
				t.Errorf("%s, want %s: %s", got, want, st.End.Message)
			}
		})
	}
}
