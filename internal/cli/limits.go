package cli

import (
	"fmt"
	"syscall"
)

// fewestFiles is how many open files a run needs: the store, connections to
// targets, and the pipes of children. One that has fewer would fail half-way.
const fewestFiles = 64

// enoughFiles refuses a run that would starve. The Go runtime has raised the
// soft limit to the hard one already.
func enoughFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= fewestFiles {
		return nil //nolint:nilerr // a limit that cannot be read is met where it is met
	}
	return &exitError{code: exitRefused, hint: "raise the limit: ulimit -n 1024; nothing was changed",
		err: fmt.Errorf("this process may open %d files only, and a run needs %d", limit.Cur, fewestFiles)}
}
