package time_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	family "github.com/runbackhq/runback/actions/time"
	"github.com/runbackhq/runback/schema"
)

func TestSleepWaitsByTheClockOfTheRun(t *testing.T) {
	a := family.Actions()[0]
	tree, _ := schema.Parse("test", []byte("for: 90s"))
	in, found := a.Decode(tree)
	if len(found) > 0 {
		t.Fatal(found)
	}
	var asked time.Duration
	c := &actions.Call{Wait: func(_ context.Context, d time.Duration) error { asked = d; return nil }}
	out, err := a.Run(t.Context(), c, in, nil)
	if err != nil || asked != 90*time.Second || out["for"] != "1m30s" {
		t.Errorf("waited %s, outputs %v, error %v", asked, out, err)
	}
	stopped := errors.New("budget is spent")
	c.Wait = func(context.Context, time.Duration) error { return stopped }
	if _, err := a.Run(t.Context(), c, in, nil); !errors.Is(err, stopped) {
		t.Errorf("error is %v", err)
	}
}
