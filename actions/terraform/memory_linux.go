package terraform

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// memory gives a file that is on no disk and gone with this process, and the
// path by which a child of the same user opens it.
func memory() (path string, done func(), err error) {
	fd, err := unix.MemfdCreate("plan", unix.MFD_CLOEXEC)
	if err != nil {
		return "", nil, fmt.Errorf("memory for the plan: %w", err)
	}
	f := os.NewFile(uintptr(fd), "plan")
	if err := f.Chmod(0o600); err != nil { // a memfd is made for all
		_ = f.Close()
		return "", nil, fmt.Errorf("memory for the plan: %w", err)
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), func() { _ = f.Close() }, nil
}
