package k8s

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatientWaitsUntilTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(0.1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() == nil || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if err := p.Wait(t.Context()); err != nil || time.Since(began) < 9*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
