package manual_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/manual"
	"github.com/runbackhq/runback/schema"
)

func TestFamily(t *testing.T) {
	reg, err := actions.NewRegistry(manual.Actions())
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}

func TestAnswers(t *testing.T) {
	spent := errors.New("the time of step x is spent")
	for _, tc := range []struct {
		action, with string
		answer       actions.Answer
		err          error
		question     actions.Question
		want         string
		kind         actions.Kind
	}{
		{"manual.approve", "{message: \"go on?\", by_another: true}", actions.Answer{Yes: true, By: "ada", Comment: "seen"}, nil, actions.Question{Text: "go on?", Other: true}, "approved by ada: seen", 0},
		{"manual.approve", "{message: \"go on?\"}", actions.Answer{By: "ada", Comment: "not now"}, nil, actions.Question{Text: "go on?"}, "not approved by ada: not now", actions.KindRefused},
		{"manual.approve", "{message: \"go on?\"}", actions.Answer{}, spent, actions.Question{Text: "go on?"}, "is spent", 0},
		{"manual.task", "{message: do it}", actions.Answer{Yes: true, By: "bob"}, nil, actions.Question{Text: "do it", Task: true}, "done by bob", 0},
		{"manual.task", "{message: do it}", actions.Answer{By: "bob", Comment: "no key"}, nil, actions.Question{Text: "do it", Task: true}, "could not be done, by bob: no key", 0},
	} {
		var asked actions.Question
		c := &actions.Call{Ask: func(_ context.Context, q actions.Question) (actions.Answer, error) {
			asked = q
			tc.answer.At = time.Unix(0, 0)
			return tc.answer, tc.err
		}}
		out, err := run(t, c, tc.action, tc.with)
		said := action(t, tc.action).Told(out)
		if err != nil {
			said = err.Error()
		}
		if !strings.Contains(said, tc.want) || asked != tc.question || tc.kind != 0 && actions.KindOf(err) != tc.kind {
			t.Errorf("%s %s: %q (%v), asked %+v", tc.action, tc.with, said, actions.KindOf(err), asked)
		}
		if tc.err != nil && !errors.Is(err, tc.err) {
			t.Errorf("%v", err)
		}
	}
}

func TestNobodyIsAskedInAPlan(t *testing.T) {
	if _, err := run(t, &actions.Call{}, "manual.approve", "{message: x}"); err == nil {
		t.Error("it was approved")
	}
}

func action(t *testing.T, name string) actions.Action {
	t.Helper()
	for _, a := range manual.Actions() {
		if a.Spec.Name == name {
			return a
		}
	}
	t.Fatal(name)
	return actions.Action{}
}

func run(t *testing.T, c *actions.Call, name, with string) (actions.Outputs, error) {
	t.Helper()
	tree, _ := schema.Parse("test", []byte(with))
	a := action(t, name)
	in, found := a.Decode(tree)
	if len(found) > 0 {
		t.Fatal(found)
	}
	return a.Run(t.Context(), c, in, []byte("{}"))
}
