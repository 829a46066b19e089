package actionstest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// grace is how long an action may go on after its context ended.
const grace = time.Second

// checkCancelling: a run that is stopped stops, and nothing that it started is
// taken for done.
func checkCancelling(t *testing.T, a actions.Action) {
	t.Helper()
	in, ok := firstExample(a)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("test cancelled it"))
	defer cancel()
	c := &actions.Call{Key: "actionstest/1", Wait: waitFor, Say: func(string) {}}
	for name, call := range map[string]func() error{
		"Prepare": func() error { _, err := a.Prepare(ctx, c, in); return err },
		"Preview": func() error { _, err := a.Preview(ctx, c, in, []byte("null")); return err },
		"Run":     func() error { _, err := a.Run(ctx, c, in, []byte("null")); return err },
	} {
		ended := make(chan error, 1)
		go func() { ended <- call() }()
		select {
		case err := <-ended:
			if name == "Run" && err == nil {
				t.Error("Run was cancelled and says that all is well")
			}
		case <-time.After(50*time.Millisecond + grace):
			t.Errorf("%s goes on for more than %s after it was cancelled", name, grace)
		}
	}
}

func firstExample(a actions.Action) (any, bool) {
	for _, e := range a.Spec.Examples {
		tree, found := schema.Parse(e.Title, []byte(e.YAML))
		with, _ := tree.Get("with")
		if len(found) > 0 || hasTemplate(with) {
			continue
		}
		if in, found := a.Decode(inputs(with)); len(found) == 0 {
			return in, true
		}
	}
	return nil, false
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
