package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	utilexec "k8s.io/utils/exec"
)

// exec answers `kubectl exec`: a process with the container's variables and
// folder. It outlives a client that went away, as it would on a real node, but
// not the container.
func (m *manager) exec(ctx context.Context, namespace, podName, containerName string, argv []string, attach api.AttachIO) error {
	c, err := m.findContainer(namespace, podName, containerName)
	if err != nil {
		return err
	}
	in, err := c.runningInstance()
	if err != nil {
		return err
	}
	cmd, err := c.commandInside(in, argv)
	if err != nil {
		return err
	}
	if attach.TTY() {
		return c.execTerminal(ctx, in, cmd, attach)
	}
	// assigned only when there: a nil pointer in the interface is not nil
	if w := attach.Stdout(); w != nil {
		cmd.Stdout = w
	}
	if w := attach.Stderr(); w != nil {
		cmd.Stderr = w
	}
	if r := attach.Stdin(); r != nil {
		if err := feed(cmd, r); err != nil {
			return err
		}
	}
	return c.finish(ctx, in, cmd)
}

// commandInside prepares a process beside the container's first one: in its
// namespace, where it can signal the others and ends with them. Without a
// program that enters namespaces it gets one of its own.
func (c *container) commandInside(in *instance, argv []string) (*exec.Cmd, error) {
	path, err := lookProgram(argv[0], in.env)
	if err != nil {
		return nil, err
	}
	argv = append([]string{path}, argv[1:]...)
	enter := c.pod.host.cfg.Isolation.Enter(in.process.PID)
	cmd, err := c.command(append(enter, argv...), in.env)
	if err == nil && enter != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	return cmd, err
}

// feed copies the input through a pipe of ours: given to the command directly,
// Wait would wait for an input that nobody ends. The goroutine ends when the
// stream is closed, which happens after the command has ended.
func feed(cmd *exec.Cmd, from io.Reader) error {
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(pipe, from)
		closeQuietly(pipe)
	}()
	return nil
}

func (c *container) runningInstance() (*instance, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Running == nil {
		return nil, errdefs.InvalidInputf("container %s in pod %s is not running", c.name, c.pod.name)
	}
	return c.current, nil
}

// finish starts the process and waits for it or for the end of the container.
func (c *container) finish(ctx context.Context, in *instance, cmd *exec.Cmd) error {
	h := c.pod.host
	if err := h.spawner.Start(ctx, cmd); err != nil {
		return fmt.Errorf("exec: %w", err)
	}
	id := h.note(cmd.Process.Pid)
	defer h.processes.remove(id)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-in.done:
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		err = <-ended
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended //nolint:errcheck // it ended because we killed it
		return ctx.Err()
	}
	if code := exitCode(cmd.ProcessState); code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // the command is done; something it started holds its output
	}
	return err
}

// runInside runs a probe's or hook's command to its end.
func (c *container) runInside(ctx context.Context, argv []string) error {
	in, err := c.runningInstance()
	if err != nil {
		return err
	}
	cmd, err := c.commandInside(in, argv)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := c.finish(ctx, in, cmd); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}

// preStop runs the container's hook before it is asked to stop.
func (c *container) preStop(ctx context.Context) {
	if c.spec.Lifecycle == nil || c.spec.Lifecycle.PreStop == nil {
		return
	}
	hook := c.spec.Lifecycle.PreStop
	var err error
	switch {
	case hook.Sleep != nil:
		sleep(ctx, time.Duration(hook.Sleep.Seconds)*time.Second)
	case hook.Exec != nil:
		err = c.runInside(ctx, hook.Exec.Command)
	case hook.HTTPGet != nil:
		err = c.checkHTTP(ctx, hook.HTTPGet)
	}
	if err != nil && ctx.Err() == nil {
		c.pod.event("Warning", "FailedPreStopHook", "PreStopHook failed: %v", err)
	}
}

// attach shows what the container's process writes from now on.
func (m *manager) attach(ctx context.Context, namespace, podName, containerName string, attach api.AttachIO) error {
	c, err := m.findContainer(namespace, podName, containerName)
	if err != nil {
		return err
	}
	in, err := c.runningInstance()
	if err != nil {
		return err
	}
	r, err := openLog(ctx, in.log, api.ContainerLogOpts{Follow: true, SinceTime: time.Now()})
	if err != nil {
		return err
	}
	defer closeQuietly(r)
	if attach.Stdout() == nil {
		<-in.done
		return nil
	}
	_, err = io.Copy(attach.Stdout(), r)
	return err
}
