// Package manual has the actions that a person does: to agree, and to do what no
// action does. The run waits, and records who answered what.
package manual

import (
	"context"
	"errors"
	"time"

	"github.com/runbackhq/runback/actions"
)

// Actions lists the family.
func Actions() []actions.Action { return []actions.Action{approveAction(), taskAction()} }

type answerOut struct {
	By      string `json:"by" doc:"who answered, as the operating system knows them; a record, not a signature"`
	At      string `json:"at" doc:"when, RFC 3339"`
	Comment string `json:"comment" doc:"what was said with it"`
}

func out(a actions.Answer) answerOut {
	return answerOut{By: a.By, At: a.At.UTC().Format(time.RFC3339), Comment: a.Comment}
}

func tell(o answerOut) string {
	if o.Comment == "" {
		return "by " + o.By
	}
	return "by " + o.By + ": " + o.Comment
}

// ask is only there while a run goes on.
func ask(ctx context.Context, c *actions.Call, q actions.Question) (actions.Answer, error) {
	if c.Ask == nil {
		return actions.Answer{}, errors.New("nobody can be asked outside of a run")
	}
	return c.Ask(ctx, q)
}

func preview(summary string) actions.Preview {
	return actions.Preview{Label: actions.Opaque, Summary: summary, Acts: true}
}
