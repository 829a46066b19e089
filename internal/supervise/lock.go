package supervise

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A looker holds the lock, shared, for some microseconds; a starter that meets
// one tries again.
const (
	lockTries = 20
	lockPause = 5 * time.Millisecond
)

// take takes the lock of a directory for its starter. The lock belongs to the
// open file, so a supervisor that inherits the file holds it on when the
// starter ends.
func take(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for range lockTries {
		err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(lockPause)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrTaken
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// held says whether somebody starts or supervises.
func held(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = flock(f, syscall.LOCK_SH|syscall.LOCK_NB)
	taken := errors.Is(err, syscall.EWOULDBLOCK)
	if taken {
		err = nil
	}
	return taken, errors.Join(err, f.Close())
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
