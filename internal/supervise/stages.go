package supervise

import (
	"syscall"
	"time"
)

// stage is one signal of a stop and the time it is given.
type stage struct {
	signal syscall.Signal
	grace  time.Duration
}

// stages is how a child is stopped. SIGINT comes first: it is what terraform,
// pg_restore and most others clean up for.
func stages(l Limits) []stage {
	return []stage{{syscall.SIGINT, l.Interrupt}, {syscall.SIGTERM, l.Terminate}, {syscall.SIGKILL, stopMargin}}
}
