package node

import "time"

// A kubelet waits 10 s to 5 min between tries; a sandbox shows the same thing
// in a time that somebody watches.
const (
	firstBackOff = time.Second
	maxBackOff   = 30 * time.Second
	// crashReset is how long a run must last to count as a good one
	crashReset = time.Minute
)

type backOff struct{ tries int }

func newBackOff() *backOff { return &backOff{} }

func (b *backOff) reset() { b.tries = 0 }

// next doubles from try to try up to the maximum.
func (b *backOff) next() time.Duration {
	d := maxBackOff
	if b.tries < 5 {
		d = min(firstBackOff<<b.tries, maxBackOff)
	}
	b.tries++
	return d
}
