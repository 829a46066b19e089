package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/process"
)

// The files that a supervisor inherits besides its standard ones.
const (
	lockFD  = 3
	replyFD = 4
)

// supervisor is the supervising process. Its clock is that of the machine: it
// has to keep time when nobody else is left.
type supervisor struct {
	spec     Spec
	asked    chan os.Signal
	untied   chan struct{} // closed when the starter ended
	out, err *output
	room     *os.File // for the record of the end
	gate     *exec.Cmd
	release  *os.File // what is written here releases the gate
	report   *os.File // what the gate says of its exec
	outcome  Outcome
}

// supervise runs one child from its beginning to the record of its end.
func supervise(dir string) error {
	// Only this process holds the lock; the child must not.
	syscall.CloseOnExec(lockFD)
	syscall.CloseOnExec(replyFD)
	tell := os.NewFile(replyFD, "reply")
	s := &supervisor{asked: make(chan os.Signal, 1), untied: make(chan struct{})}
	// What a terminal or a process manager sends to all is for the child to
	// heed; who records its end stays. They are caught, not ignored: an ignored
	// signal would stay ignored in the child.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	signal.Notify(s.asked, syscall.SIGUSR1)
	if err := s.listen(dir); err != nil {
		return err
	}
	err := s.begin()
	r := reply{Never: s.outcome.Never != ""}
	if err != nil {
		r.Error = err.Error()
	} else {
		r.PID = s.gate.Process.Pid
	}
	// The record before the answer: who is told that it never ran may start
	// it anew as soon as the lock is free.
	if err == nil {
		// A starter that is gone learns it from the records.
		_ = json.NewEncoder(tell).Encode(r)
		_ = tell.Close()
		return s.end()
	}
	err = errors.Join(err, s.abandon())
	_ = json.NewEncoder(tell).Encode(r)
	return err
}

// listen reads what is to be run.
func (s *supervisor) listen(dir string) error {
	var err error
	if s.spec, err = receiveSpec(os.Stdin); err != nil {
		return fmt.Errorf("orders are not complete: %w", err)
	}
	if s.spec.Dir != dir {
		return fmt.Errorf("orders are for %s", s.spec.Dir)
	}
	if !s.spec.Tied {
		return os.Stdin.Close()
	}
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(s.untied)
	}()
	return nil
}

// begin takes the steps to a running child, each durable before the next.
func (s *supervisor) begin() error {
	self := process.Self()
	if err := put(s.spec.Dir, supervisorFile, self); err != nil {
		return fmt.Errorf("record of the supervisor: %w", err)
	}
	if err := s.openAll(); err != nil {
		return err
	}
	if err := s.startGate(); err != nil {
		s.outcome.Never = err.Error()
		return err
	}
	rec := child{ID: process.Of(s.gate.Process.Pid), Session: self.PID}
	if err := put(s.spec.Dir, childFile, rec); err != nil {
		return fmt.Errorf("record of the child: %w", err)
	}
	return s.letGo()
}

func (s *supervisor) openAll() (err error) {
	if s.room, err = reserve(s.spec.Dir); err != nil {
		return fmt.Errorf("room for the record of the end: %w", err)
	}
	if s.out, err = capture(s.spec.Dir, stdoutFile, s.spec.Limits.Output); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if s.err, err = capture(s.spec.Dir, stderrFile, s.spec.Limits.Output); err != nil {
		return fmt.Errorf("standard error: %w", err)
	}
	return nil
}

// startGate starts the process that is to become the child, in a process group
// of its own.
func (s *supervisor) startGate() error {
	in, err := input(s.spec.Dir, s.spec.Stdin)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	ordersR, ordersW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close())
	}
	reportR, reportW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close(), ordersR.Close(), ordersW.Close())
	}
	s.gate = again(gateArg)
	s.gate.Dir, s.gate.Stdin, s.gate.Stdout, s.gate.Stderr = s.spec.WorkDir, in, s.out.end, s.err.end
	s.gate.ExtraFiles = []*os.File{ordersR, reportW}
	if len(s.spec.Secret) > 0 {
		hidden, err := secret(s.spec.Secret)
		if err != nil {
			return errors.Join(fmt.Errorf("secret: %w", err), in.Close(), ordersR.Close(), ordersW.Close(), reportR.Close(), reportW.Close())
		}
		defer func() { _ = hidden.Close() }()
		s.gate.ExtraFiles = append(s.gate.ExtraFiles, hidden)
	}
	s.gate.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.release, s.report = ordersW, reportR
	s.outcome.Started = time.Now().UTC()
	err = s.gate.Start()
	// Only the child is to hold these, so that their end is its end.
	_ = errors.Join(in.Close(), ordersR.Close(), reportW.Close(), s.out.end.Close(), s.err.end.Close())
	if err != nil {
		s.gate = nil
	}
	return err
}

// letGo releases the gate and waits until it has become the child.
func (s *supervisor) letGo() error {
	o := orders{Dir: []byte(s.spec.Dir), Program: []byte(s.spec.Program), Args: raw(s.spec.Args), Env: raw(s.spec.Env)}
	err := json.NewEncoder(s.release).Encode(o)
	if err = errors.Join(err, s.release.Close()); err != nil {
		// It is gone; what it left says whether it got as far as its exec.
		return fmt.Errorf("the child could not be released: %w", err)
	}
	why, err := io.ReadAll(s.report)
	if err != nil {
		return fmt.Errorf("the child did not report: %w", err)
	}
	if _, err := os.Stat(filepath.Join(s.spec.Dir, releasedFile)); len(why) == 0 && errors.Is(err, os.ErrNotExist) {
		why = []byte("it was killed before it began")
	}
	if len(why) > 0 {
		s.outcome.Never = string(why)
		return fmt.Errorf("%s: %s", s.spec.Program, why)
	}
	return nil
}
