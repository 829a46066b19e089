package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/internal/sandbox/process"
)

// pipeDelay bounds how long we wait for the output of grandchildren that
// outlive a container's first process.
const pipeDelay = 2 * time.Second

// instance is one run of a container: a process and its log.
type instance struct {
	id      string
	env     []string
	log     *logFile
	cmd     *exec.Cmd
	process process.ID
	began   time.Time
	done    chan struct{}
	ended   time.Time // valid once done is closed
}

// create starts the container's process, or says in the words of a kubelet why
// it cannot.
func (c *container) create(ctx context.Context) (*instance, string, error) {
	c.mu.Lock()
	image, n := c.image, c.restarts
	c.mu.Unlock()
	prog, err := c.program(image)
	if err != nil {
		return nil, reasonPull, err
	}
	if len(c.pod.object().Spec.InitContainers) > 0 {
		// to ignore them would start the application in a state it never has
		return nil, reasonConfig, errors.New("the sandbox has no init containers")
	}
	env, err := c.environment(ctx)
	if err != nil {
		return nil, reasonConfig, err
	}
	c.pod.event(corev1.EventTypeNormal, "Pulled", "Container image %q already present on machine", image)
	in, err := c.launch(ctx, prog.argv, append(prog.env, env...), n)
	if err != nil {
		return nil, reasonRun, err
	}
	return in, "", nil
}

func (c *container) launch(ctx context.Context, argv, env []string, n int32) (*instance, error) {
	log, err := createLog(filepath.Join(c.dir, fmt.Sprintf("%d.log", n)))
	if err != nil {
		return nil, err
	}
	cmd, err := c.command(expandAll(argv, env), env)
	if err != nil {
		log.Close()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	in := &instance{
		id: fmt.Sprintf("process://%s-%s-%d", c.pod.uid, c.name, n), env: env, log: log, cmd: cmd,
		done: make(chan struct{}),
	}
	if err := c.pod.host.spawner.Start(ctx, cmd); err != nil {
		log.Close()
		return nil, err
	}
	in.began = time.Now()
	in.process = c.pod.host.note(cmd.Process.Pid)
	go in.wait(c.pod.host)
	return in, nil
}

// command prepares the first process of the container.
func (c *container) command(argv, env []string) (*exec.Cmd, error) {
	path, err := lookProgram(argv[0], env)
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: path, Args: argv, Env: env, Dir: c.dir,
		SysProcAttr: c.pod.host.cfg.Isolation.Attr(), WaitDelay: pipeDelay,
	}
	if c.spec.WorkingDir != "" {
		cmd.Dir = c.spec.WorkingDir
	}
	return cmd, nil
}

// note writes a started process down, so that it can be found if we are killed.
func (h *host) note(pid int) process.ID {
	id, err := process.Identify(pid)
	if err != nil {
		return process.ID{PID: pid} // it has ended already
	}
	if err := h.processes.add(id); err != nil {
		h.log.Warn("cannot note process", "pid", pid, "reason", err.Error())
	}
	return id
}

// wait owns the process until it ends; everybody else waits for done.
func (in *instance) wait(h *host) {
	_ = in.cmd.Wait() // the exit code is in ProcessState
	if h.cfg.Isolation == process.ProcessGroup {
		// no namespace ends the rest for us
		_ = syscall.Kill(-in.process.PID, syscall.SIGKILL)
	}
	h.processes.remove(in.process)
	in.log.Close()
	in.ended = time.Now()
	close(in.done)
}

func (in *instance) signal(sig os.Signal) { _ = in.cmd.Process.Signal(sig) }

// kill ends the process and, with its namespace or group, all it started.
func (in *instance) kill() {
	select {
	case <-in.done:
	default:
		_ = syscall.Kill(-in.process.PID, syscall.SIGKILL)
		in.signal(syscall.SIGKILL)
	}
}

func (in *instance) lasted() time.Duration { return in.ended.Sub(in.began) }

// exitCode is the process's own, or 128 plus the signal that ended it.
func (in *instance) exitCode() int { return exitCode(in.cmd.ProcessState) }

func exitCode(state *os.ProcessState) int {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}
