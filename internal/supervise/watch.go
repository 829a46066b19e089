package supervise

import (
	"os"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/process"
)

// abandon ends a start that failed. A gate that was not released ends by
// itself; this only hastens it.
func (s *supervisor) abandon() error {
	if s.gate != nil {
		_ = s.gate.Process.Kill()
		_ = s.gate.Wait()
	}
	if s.outcome.Never == "" || s.room == nil {
		return nil // the records say it: nothing was released
	}
	s.outcome.Ended = time.Now().UTC()
	return putExit(s.spec.Dir, s.room, s.outcome)
}

// end watches the child to its end and records that.
func (s *supervisor) end() error {
	state := s.watch()
	pgid := s.gate.Process.Pid
	if s.outcome.Stopped != "" && process.GroupAlive(pgid, os.Getpid()) {
		_ = syscall.Kill(-pgid, syscall.SIGKILL) // those who did not heed what ended the child
	}
	s.outcome.Stdout, s.outcome.Stderr = s.out.finish(s.spec.Limits.Drain), s.err.finish(s.spec.Limits.Drain)
	s.outcome.Left = process.GroupAlive(pgid, os.Getpid())
	s.outcome.Ended = time.Now().UTC()
	s.outcome.Code = state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		s.outcome.Signal = ws.Signal().String()
	}
	if err := putExit(s.spec.Dir, s.room, s.outcome); err != nil || !s.spec.Forget || s.outcome.Stopped != unwanted {
		return err
	}
	return os.RemoveAll(s.spec.Dir)
}

// unwanted is why a tied child is stopped.
const unwanted = "nobody waits for it any more"

// watch waits for the end of the child, and stops it when asked to, at the
// deadline, or when it is tied to a starter that is gone.
func (s *supervisor) watch() *os.ProcessState {
	ended := make(chan *os.ProcessState, 1)
	go func() { // ends with the child
		_ = s.gate.Wait() // the state says more than the error
		ended <- s.gate.ProcessState
	}()
	var deadline, next <-chan time.Time
	if !s.spec.Deadline.IsZero() {
		deadline = time.After(time.Until(s.spec.Deadline))
	}
	left := stages(s.spec.Limits)
	stop := func(why string) {
		if s.outcome.Stopped == "" {
			s.outcome.Stopped = why
		}
		if len(left) > 0 {
			_ = syscall.Kill(-s.gate.Process.Pid, left[0].signal)
			next, left = time.After(left[0].grace), left[1:]
		}
	}
	asked, untied := s.asked, s.untied
	for {
		select {
		case state := <-ended:
			return state
		case <-next:
			next = nil
			stop("")
			continue
		case <-asked:
			stop(Asked)
		case <-deadline:
			stop("its time was spent")
		case <-untied:
			stop(unwanted)
		}
		asked, untied, deadline = nil, nil, nil // one reason is enough
	}
}
