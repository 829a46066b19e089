package tool

import (
	"time"

	"golang.org/x/sys/unix"
)

// Stamp changes when a file is written or another one takes its place. Nobody
// can set the time of the last change of an inode.
type Stamp struct {
	dev, ino uint64
	size     int64
	changed  unix.Timespec
}

// settling is longer than any tick of the clock of a file system.
const settling = 2 * time.Second

// StampOf looks at a file.
func StampOf(path string) (Stamp, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Stamp{}, err
	}
	return Stamp{uint64(st.Dev), st.Ino, st.Size, st.Ctim}, nil //nolint:unconvert // it is another type elsewhere
}

// Settled says whether the next write of the file is sure to change the stamp:
// what is written in the same tick of the clock has the same time.
func (s Stamp) Settled() bool { return time.Since(time.Unix(s.changed.Unix())) >= settling }
