//go:build !linux

package terraform

import (
	"fmt"
	"os"
	"path/filepath"
)

// memory gives a file that is taken away again; elsewhere than on Linux it is
// on the disk for as long as the plan is read.
func memory() (path string, done func(), err error) {
	dir, err := os.MkdirTemp("", "plan")
	if err != nil {
		return "", nil, fmt.Errorf("room for the plan: %w", err)
	}
	return filepath.Join(dir, "plan"), func() { _ = os.RemoveAll(dir) }, nil
}
