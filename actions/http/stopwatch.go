package httpcheck

import "time"

// stopwatch measures how long an answer takes. It is the one place of this
// family that looks at a clock, and nothing is decided by it: the time goes
// into the outputs.
func stopwatch() (elapsed func() time.Duration) {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}
