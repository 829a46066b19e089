package supervise

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/runbackhq/runback/internal/process"
)

// look says what is known of the child of a directory; the package comment
// goes through the cases.
func look(dir string) (State, Outcome, error) {
	if st, o, err := ended(dir); err != nil || st == Exited {
		return st, o, err
	}
	taken, err := held(dir)
	if err != nil {
		return 0, Outcome{}, fmt.Errorf("lock: %w", err)
	}
	if !taken {
		// What is written by now is all that the holder ever wrote.
		return unlocked(dir)
	}
	if st, o, err := ended(dir); err != nil || st == Exited {
		return st, o, err
	}
	return Running, Outcome{}, nil
}

// unlocked looks when nobody else starts or supervises.
func unlocked(dir string) (State, Outcome, error) {
	if st, o, err := ended(dir); err != nil || st != Running {
		return st, o, err
	}
	return unsupervised(dir)
}

// ended reads the record of the end; Running means that there is none.
func ended(dir string) (State, Outcome, error) {
	var o Outcome
	there, err := get(dir, exitFile, &o)
	switch {
	case err != nil || !there:
		return Running, Outcome{}, err
	case o.Never != "":
		return NotStarted, o, nil
	default:
		return Exited, o, nil
	}
}

// unsupervised tells of a child that nobody starts or supervises and whose end
// is not recorded.
func unsupervised(dir string) (State, Outcome, error) {
	var c child
	there, err := get(dir, childFile, &c)
	if err != nil || !there {
		return NotStarted, Outcome{}, err
	}
	alive, known := process.Alive(c.ID)
	if !known {
		return 0, Outcome{}, fmt.Errorf("process %d ran on %s: whether it still does cannot be seen from here", c.PID, c.Host)
	}
	if alive || groupAlive(c) {
		return Running, Outcome{}, nil
	}
	// The gate is dead, so whether it wrote this is settled.
	switch _, err := os.Stat(filepath.Join(dir, releasedFile)); {
	case os.IsNotExist(err):
		return NotStarted, Outcome{}, nil
	case err != nil:
		return 0, Outcome{}, err
	default:
		return Lost, Outcome{Code: -1, Stdout: asFound(dir, stdoutFile), Stderr: asFound(dir, stderrFile)}, nil
	}
}

// asFound gives what is there of the output of a lost child; how much it wrote
// is not known.
func asFound(dir, name string) Stream {
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return Stream{}
	}
	return Stream{Bytes: info.Size(), Kept: info.Size()}
}

// groupAlive says whether anybody goes on in the group of a child that is gone
// itself. The session is that of its supervisor, so another group that later
// got the same number is not taken for it.
func groupAlive(c child) bool {
	if c.Boot != process.Self().Boot {
		return false
	}
	return process.GroupAlive(c.PID, c.Session)
}

// supervisorOf names who supervises, as far as it is recorded.
func supervisorOf(dir string) (process.ID, bool, error) {
	var p process.ID
	there, err := get(dir, supervisorFile, &p)
	return p, there, err
}
