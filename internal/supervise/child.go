package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/process"
)

// Child is a child process as one executor sees it.
type Child struct {
	dir  string
	cmd  *exec.Cmd // the supervisor, for the one who started it
	line io.Closer // while it is open, a tied child may go on
}

// Eyes are how a caller waits: actions have no clock of their own.
type Eyes struct {
	Wait func(context.Context, time.Duration) error
	Say  func(line string) // may be nil
}

// Attach gives the child of a directory to one who did not start it. Whether
// there is any is for Look to say.
func Attach(dir string) *Child { return &Child{dir: dir} }

// Look says what is known now.
func (c *Child) Look() (State, Outcome, error) {
	st, o, err := look(c.dir)
	if err != nil {
		return st, o, fmt.Errorf("child process in %s: %w", c.dir, err)
	}
	return st, o, nil
}

// The time between two looks, and its bounds: a share of what was waited, so that
// the end of a child that takes long is seen late by that share of its time.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 250 * time.Millisecond
	lookShare = 32
)

// Wait waits until the child is not running, or until ctx ends: then the child
// goes on, and Running comes with the cause.
func (c *Child) Wait(ctx context.Context, e Eyes) (State, Outcome, error) {
	said, waited := "", time.Duration(0)
	for {
		st, o, err := c.Look()
		if err != nil || st != Running {
			c.release()
			return st, o, err
		}
		if line := c.LastLine(); line != "" && line != said && e.Say != nil {
			e.Say(line)
			said = line
		}
		pause := min(max(firstLook, waited/lookShare), lastLook)
		if err := e.Wait(ctx, pause); err != nil {
			return Running, Outcome{}, err
		}
		waited += pause
	}
}

// Stop ends the child and its group: SIGINT, after a while SIGTERM, after
// another while SIGKILL. The supervisor does it, so it goes on when the caller
// dies; where there is none any more, the caller does it.
func (c *Child) Stop(ctx context.Context, l Limits, e Eyes) (State, Outcome, error) {
	l = l.filled()
	st, o, err := c.Look()
	if err != nil || st != Running {
		return st, o, err
	}
	taken, err := held(c.dir)
	if err != nil {
		return st, o, err
	}
	if !taken {
		return c.stopOrphan(ctx, l, e)
	}
	if err := c.ask(); err != nil {
		return st, o, err
	}
	return c.within(ctx, l.Interrupt+l.Terminate+l.Drain+stopMargin, e)
}

// errStays says that a child was told to end and does not: it cannot be killed
// while it waits for a disk, or its supervisor is stopped.
var errStays = errors.New("it was told to end and does not")

// stopMargin is what a killed process may take to be gone and recorded.
const stopMargin = 5 * time.Second

// ask tells the supervisor to stop the child. FindProcess holds on to the
// process (by a pidfd, where there are any) before its identity is compared,
// so nobody else is signalled.
func (c *Child) ask() error {
	p, there, err := supervisorOf(c.dir)
	if err != nil || !there {
		return fmt.Errorf("child process in %s cannot be stopped: its supervisor is not recorded (%w)", c.dir, orMissing(err))
	}
	proc, err := os.FindProcess(p.PID)
	if err != nil {
		return err
	}
	defer func() { _ = proc.Release() }()
	if alive, _ := process.Alive(p); !alive {
		return nil // it is over; waiting will tell
	}
	return proc.Signal(syscall.SIGUSR1)
}

func orMissing(err error) error {
	if err == nil {
		return os.ErrNotExist
	}
	return err
}

// within waits for the end, but no longer than limit. The time is counted by
// the pauses, because the clock is the caller's.
func (c *Child) within(ctx context.Context, limit time.Duration, e Eyes) (State, Outcome, error) {
	for waited := time.Duration(0); ; waited += firstLook {
		st, o, err := c.Look()
		if err != nil || st != Running {
			c.release()
			return st, o, err
		}
		if waited >= limit {
			return st, o, fmt.Errorf("child process in %s: %w", c.dir, errStays)
		}
		if err := e.Wait(ctx, firstLook); err != nil {
			return st, o, err
		}
	}
}

// stopOrphan stops a child whose supervisor is gone.
func (c *Child) stopOrphan(ctx context.Context, l Limits, e Eyes) (State, Outcome, error) {
	var rec child
	if there, err := get(c.dir, childFile, &rec); err != nil || !there {
		return Running, Outcome{}, err
	}
	for _, s := range stages(l) {
		if alive, _ := process.Alive(rec.ID); alive || groupAlive(rec) {
			if err := syscall.Kill(-rec.PID, s.signal); err != nil && err != syscall.ESRCH {
				return Running, Outcome{}, fmt.Errorf("process group %d: %w", rec.PID, err)
			}
		}
		if st, o, err := c.within(ctx, s.grace, e); !errors.Is(err, errStays) {
			return st, o, err
		}
	}
	return Running, Outcome{}, fmt.Errorf("child process in %s: %w", c.dir, errStays)
}

// release gives back what the starter holds. A supervisor that ended is asked
// for its result, or it would stay as a zombie; this takes no longer than its
// last steps.
func (c *Child) release() {
	if c.line != nil {
		_ = c.line.Close()
		c.line = nil
	}
	if c.cmd != nil {
		_ = c.cmd.Wait() // its exit code says nothing that the records do not
		c.cmd = nil
	}
}

// Dir is where the records and outputs of the child are.
func (c *Child) Dir() string { return c.dir }
