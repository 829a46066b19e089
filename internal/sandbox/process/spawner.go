package process

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// Spawner starts children that die with this process.
//
// The kernel delivers the parent-death signal when the *thread* that started
// the child ends, so all children are started from one thread that is locked
// to a goroutine for the life of the spawner.
type Spawner struct {
	requests chan request
	done     chan struct{}
	once     sync.Once
	stop     chan struct{}
}

type request struct {
	cmd    *exec.Cmd
	result chan error
}

// NewSpawner starts the thread.
func NewSpawner() *Spawner {
	s := &Spawner{requests: make(chan request), done: make(chan struct{}), stop: make(chan struct{})}
	go s.run()
	return s
}

func (s *Spawner) run() {
	// never unlocked, so that nothing else can end the thread
	runtime.LockOSThread()
	defer close(s.done)
	for {
		select {
		case r := <-s.requests:
			r.result <- r.cmd.Start()
		case <-s.stop:
			return
		}
	}
}

// Start starts cmd with the parent-death signal set.
func (s *Spawner) Start(ctx context.Context, cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	r := request{cmd: cmd, result: make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-s.done:
		return fmt.Errorf("start %s: spawner is closed", cmd.Path)
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-r.result
}

// Close ends the thread. Children must have ended before: whether the others
// end with it depends on which thread it happened to be.
func (s *Spawner) Close() {
	s.once.Do(func() { close(s.stop) })
	<-s.done
}
