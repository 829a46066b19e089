//go:build crashpoints

package cli

import (
	"os"
	"strconv"
	"syscall"

	"github.com/runbackhq/runback/internal/journal"
)

// crashPoint ends the process, as SIGKILL does, right after the journal event
// that RUNBACK_CRASH_AT numbers became durable and before anything follows
// from it. It exists only in the program that tests build.
func crashPoint(a *App, e journal.Event) {
	if at, err := strconv.Atoi(a.Env("RUNBACK_CRASH_AT")); err == nil && e.Seq == at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
