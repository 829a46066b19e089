package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The files of a child.
const (
	lockFile       = "lock"
	supervisorFile = "supervisor.json"
	childFile      = "child.json"
	releasedFile   = "released"
	exitFile       = "exit.json"
	reserveFile    = "exit.json.new"
	stdoutFile     = "stdout"
	stderrFile     = "stderr"
	stdinFile      = "stdin"
	logFile        = "supervisor.log"
)

// makeDir makes a directory and those above it, and makes the entries durable:
// a directory that is lost with the power would say that nothing was started.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	up := filepath.Dir(dir)
	if up != dir {
		if err := makeDir(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(up)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// put writes a record durably and in one piece, or not at all.
func put(dir, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, name+".new"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, publish(dir, f, name))
}

// publish makes what was written durable under its name.
func publish(dir string, f *os.File, name string) error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

// get reads a record. That there is none is no error.
func get(dir, name string, v any) (there bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("%s cannot be read: %w", filepath.Join(dir, name), err)
	}
	return true, nil
}

// reserve holds the room that the record of the end will need, so that a disk
// that is full by then does not lose it.
func reserve(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, reserveFile), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteString(strings.Repeat(" ", 4096)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// putExit writes over the reserve; what stays of it behind the record is
// white space, which JSON allows.
func putExit(dir string, room *os.File, o Outcome) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = room.WriteAt(b, 0)
	return errors.Join(err, publish(dir, room, exitFile))
}

// forget removes the records of a start that came to nothing. released goes
// first: whenever this is broken off, what remains is no proof of a run.
func forget(dir string) error {
	for _, name := range []string{releasedFile, childFile, exitFile, supervisorFile, reserveFile, stdoutFile, stderrFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return syncDir(dir)
}
