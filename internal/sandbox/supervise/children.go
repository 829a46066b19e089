package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
)

// Names of the components; each is also the name of its log.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Nodes             = "nodes"
	Front             = "front"
	MetricsServer     = "metrics-server"
)

type child struct {
	name     string
	argv     []string
	id       process.ID
	restarts int
	done     chan struct{}
	deaths   []time.Time // the recent ones
}

// diesTooOften notes a death and says whether there were too many of late.
func (c *child) diesTooOften(now time.Time) bool {
	c.deaths = append(c.deaths, now)
	for now.Sub(c.deaths[0]) > restartWindow {
		c.deaths = c.deaths[1:]
	}
	return len(c.deaths) > tooManyRestarts
}

// exit says that a child ended.
type exit struct {
	child *child
	err   error
}

// launch starts one component: this very program again, with another task,
// unless argv names another program.
func (s *Supervisor) launch(ctx context.Context, name string, argv ...string) error {
	if len(argv) == 0 {
		// not the path: the file may have been replaced since we started
		argv = []string{"/proc/self/exe", "component", name, "--dir", string(s.opts.Dir)}
	}
	c := &child{name: name, argv: argv}
	if err := s.spawn(ctx, c); err != nil {
		return err
	}
	s.mu.Lock()
	s.children = append(s.children, c)
	s.mu.Unlock()
	return s.saveState()
}

func (s *Supervisor) spawn(ctx context.Context, c *child) error {
	log, err := os.OpenFile(s.opts.Dir.Log(c.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(c.argv[0], c.argv[1:]...) //nolint:noctx // it is ended in order, not by a context
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = string(s.opts.Dir)
	// a group of its own, so that a Ctrl-C at the terminal is not for it
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.spawner.Start(ctx, cmd); err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	id, err := process.Identify(cmd.Process.Pid)
	if err != nil {
		id = process.ID{PID: cmd.Process.Pid}
	}
	done := make(chan struct{})
	s.mu.Lock()
	c.id, c.done = id, done
	s.mu.Unlock()
	s.waits.Go(func() {
		err := cmd.Wait()
		close(done)
		select {
		case s.exits <- exit{child: c, err: err}:
		case <-s.stopping:
		}
	})
	return nil
}

// failure tells why a component ended: its last words.
func (s *Supervisor) failure(e exit) error {
	cause := e.err
	if cause == nil {
		cause = errors.New("exited with code 0")
	}
	return fmt.Errorf("%s ended: %w; last lines of %s:\n%s",
		e.child.name, cause, s.opts.Dir.Log(e.child.name), lastLines(s.opts.Dir.Log(e.child.name), 12))
}

func lastLines(path string, n int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "  (no log: " + err.Error() + ")"
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "  " + strings.Join(lines, "\n  ")
}

// stop ends every child: nodes first, so that they can end their containers.
func (s *Supervisor) stop(cause error) {
	close(s.stopping)
	for _, c := range s.list() {
		if c.name == Nodes && c.id.Signal(syscall.SIGTERM) == nil {
			select {
			case <-c.done:
			case <-time.After(nodeStopGrace):
			}
		}
	}
	for _, c := range s.list() {
		// nothing of a sandbox is worth a graceful end
		_ = c.id.Signal(syscall.SIGKILL)
	}
	s.waits.Wait()
	s.spawner.Close()
	s.mu.Lock()
	s.state.Phase = layout.Stopped
	if cause != nil && !errors.Is(cause, errEnded) {
		s.state.Phase, s.state.Reason = layout.Failed, cause.Error()
	} else if cause != nil {
		s.state.Reason = cause.Error()
	}
	s.mu.Unlock()
	if err := s.saveState(); err != nil {
		fmt.Fprintln(os.Stderr, "save state:", err)
	}
}

func (s *Supervisor) list() []*child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*child(nil), s.children...)
}

func shellQuote(v string) string {
	return "'" + strings.ReplaceAll(v, "'", `'\''`) + "'"
}
