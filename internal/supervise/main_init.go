package supervise

import (
	"os"
	"syscall"
)

// A supervisor and a gate are this program too, and need next to nothing of it.
// They take over here, before the packages are initialised that sort after this
// one and that it does not need, the types of Kubernetes among them: that is
// a third of a start, and each child takes two (docs/performance.md). It is
// the only init of the program.
func init() { //nolint:gochecknoinits // the reason is above
	if code, mine := takeOver(os.Args); mine {
		syscall.Exit(code) // os.Exit sleeps for a second under the race detector
	}
}
