package sqlite

import (
	"errors"
	"os"
	"path/filepath"
)

// create makes the file and its folder, readable by their owner only.
func create(file string) error {
	// Who wrote to it had made the names of its folders durable before.
	if info, err := os.Stat(file); err == nil && info.Size() > 0 {
		return nil
	}
	if err := makeFolder(filepath.Dir(file)); err != nil {
		return err
	}
	// A file that is there is not opened: to close it would drop the locks that
	// SQLite holds on it for another connection of this process.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// makeFolder makes a folder and those above it that are missing, and makes the
// name of each new one durable: it is kept by the folder above.
func makeFolder(dir string) error {
	above := filepath.Dir(dir)
	_, err := os.Stat(dir)
	if !errors.Is(err, os.ErrNotExist) {
		if err == nil {
			// Whoever made it may have died before its name was durable.
			err = syncFolder(above)
		}
		if errors.Is(err, os.ErrPermission) {
			return nil // where we may not even look, somebody else made it
		}
		return err
	}
	if above != dir {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncFolder(above)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
