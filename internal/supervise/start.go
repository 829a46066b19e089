package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// answerTime bounds the time in which a supervisor tells that the child runs.
// Some milliseconds are usual; a disk may take its time to sync.
const answerTime = 30 * time.Second

// reply is what the supervisor tells its starter.
type reply struct {
	PID   int
	Error string
	Never bool // the system refused to run it
}

// Start starts a child under a supervisor, at most once for each directory. An
// error leaves open whether it runs; Look knows.
func Start(ctx context.Context, spec Spec) (*Child, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := makeDir(spec.Dir); err != nil {
		return nil, fmt.Errorf("directory of the child process: %w", err)
	}
	lock, err := take(spec.Dir)
	if st, _, e := ended(spec.Dir); errors.Is(err, ErrTaken) && e == nil && st == Exited {
		err = ErrStarted // its supervisor is about to end
	}
	if err != nil {
		return nil, fmt.Errorf("child process in %s: %w", spec.Dir, err)
	}
	defer func() { _ = lock.Close() }() // the supervisor holds it on
	switch st, _, err := unlocked(spec.Dir); {
	case err != nil:
		return nil, err
	case st != NotStarted:
		return nil, fmt.Errorf("child process in %s: %w (%s)", spec.Dir, ErrStarted, st)
	}
	if err := forget(spec.Dir); err != nil {
		return nil, fmt.Errorf("records of a start that came to nothing: %w", err)
	}
	return launch(spec, lock)
}

// launch starts the supervisor and hands over what is to be run.
func launch(spec Spec, lock *os.File) (*Child, error) {
	spec.Limits = spec.Limits.filled()
	log, err := os.OpenFile(filepath.Join(spec.Dir, logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	answer, told, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	cmd := again(superviseArg, spec.Dir)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{lock, told}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	listen, orders, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, told.Close())
	}
	cmd.Stdin = listen
	err = cmd.Start()
	_ = errors.Join(told.Close(), listen.Close())
	if err != nil {
		_ = orders.Close()
		return nil, fmt.Errorf("supervisor: %w", err)
	}
	c := &Child{dir: spec.Dir, cmd: cmd, line: orders}
	r, err := handOver(orders, answer, spec)
	if err != nil || r.Error != "" {
		return nil, c.failed(r, err)
	}
	if !spec.Tied {
		c.line = nil
		_ = orders.Close()
	}
	return c, nil
}

func handOver(orders, answer *os.File, spec Spec) (reply, error) {
	var r reply
	limit := time.Now().Add(answerTime)
	if err := errors.Join(answer.SetReadDeadline(limit), orders.SetWriteDeadline(limit)); err != nil {
		return r, err
	}
	if err := sendSpec(orders, spec); err != nil {
		return r, fmt.Errorf("supervisor does not listen: %w", err)
	}
	if err := json.NewDecoder(answer).Decode(&r); err != nil {
		return r, fmt.Errorf("supervisor did not answer: %w", err)
	}
	return r, nil
}

// failed ends a supervisor that failed, so that nothing is started later by
// one that was merely slow, and says why.
func (c *Child) failed(r reply, err error) error {
	if err != nil {
		_ = c.cmd.Process.Kill()
	}
	c.release()
	switch {
	case err != nil:
		return fmt.Errorf("%w; see %s", err, filepath.Join(c.dir, logFile))
	case r.Never:
		return fmt.Errorf("%w: %s", ErrNeverRan, r.Error)
	default:
		return errors.New(r.Error)
	}
}

// again makes the command that runs this very program once more. /proc/self/exe
// is the file that runs, even when another version was installed meanwhile.
func again(args ...string) *exec.Cmd {
	self := "/proc/self/exe"
	if _, err := os.Stat(self); err != nil {
		if self, err = os.Executable(); err != nil {
			self = os.Args[0]
		}
	}
	// Not bound to a context: it is to outlive the one of its caller.
	cmd := exec.Command(self, args...) //nolint:noctx // see above
	cmd.Args[0] = os.Args[0]
	cmd.Env = []string{} // not nil, which would be ours
	return cmd
}
