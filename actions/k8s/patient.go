package k8s

import (
	"context"

	"k8s.io/client-go/util/flowcontrol"
)

// How many requests a second go to an API server, and how many at once.
const (
	requestRate  = 50
	requestBurst = 100
)

// patient waits for its turn until the context ends. The limiter of client-go
// gives up at once, with an error of its own, when the turn would come too late:
// then nobody hears whose time was spent.
type patient struct{ flowcontrol.RateLimiter }

func newPatient(rate float32, burst int) patient {
	return patient{flowcontrol.NewTokenBucketRateLimiter(rate, burst)}
}

// Wait implements flowcontrol.RateLimiter.
func (p patient) Wait(ctx context.Context) error {
	if err := p.RateLimiter.Wait(ctx); err == nil {
		return nil
	}
	<-ctx.Done() // nothing else makes it give up
	return ctx.Err()
}
