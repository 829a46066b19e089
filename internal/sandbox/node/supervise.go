package node

import (
	"context"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// outcome is why a run of a container ended.
type outcome int

const (
	exited   outcome = iota // by itself
	stopped                 // with its pod
	unwell                  // its liveness or startup probe failed
	reloaded                // its image was changed
)

// supervise watches one run from start to end.
func (c *container) supervise(ctx context.Context, in *instance) outcome {
	c.running(in)
	ctx, cancel := context.WithCancel(ctx)
	unhealthy := make(chan string, 1)
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		c.probe(ctx, unhealthy)
	}()
	how := c.await(ctx, in, unhealthy)
	cancel()
	<-probed
	c.terminated(in)
	return how
}

func (c *container) await(ctx context.Context, in *instance, unhealthy <-chan string) outcome {
	spec := c.pod.object().Spec
	grace := 30 * time.Second
	if s := spec.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	select {
	case <-in.done:
		if c.pod.stopping.isClosed() {
			return stopped
		}
		return exited
	case <-c.pod.stopping.closed():
		c.pod.event(corev1.EventTypeNormal, "Killing", "Stopping container %s", c.name)
		c.end(ctx, in, c.pod.kill.closed())
		return stopped
	case why := <-unhealthy:
		c.pod.event(corev1.EventTypeNormal, "Killing", "Container %s failed %s probe, will be restarted", c.name, why)
		c.endWithin(ctx, in, grace)
		return c.unless(stopped, unwell)
	case <-c.reload:
		c.pod.event(corev1.EventTypeNormal, "Killing", "Container %s definition changed, will be restarted", c.name)
		c.endWithin(ctx, in, grace)
		return c.unless(stopped, reloaded)
	}
}

// unless picks the first outcome when the pod is to end, else the second.
func (c *container) unless(pod, otherwise outcome) outcome {
	if c.pod.stopping.isClosed() {
		return pod
	}
	return otherwise
}

func (c *container) endWithin(ctx context.Context, in *instance, grace time.Duration) {
	over := newLatch()
	t := time.AfterFunc(grace, over.close)
	defer t.Stop()
	c.end(ctx, in, over.closed())
}

// end runs the preStop hook, asks the process to stop, and kills it when the
// grace is over.
func (c *container) end(ctx context.Context, in *instance, over <-chan struct{}) {
	hookDone := make(chan struct{})
	hookCtx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(hookDone)
		c.preStop(hookCtx)
	}()
	select {
	case <-hookDone:
	case <-over:
	case <-in.done:
	case <-c.pod.kill.closed():
	}
	cancel()
	<-hookDone
	in.signal(syscall.SIGTERM)
	select {
	case <-in.done:
		return
	case <-over:
	case <-c.pod.kill.closed():
	}
	in.kill()
	<-in.done
}

func (c *container) running(in *instance) {
	c.mu.Lock()
	if c.state.Terminated != nil {
		c.last = c.state
	}
	if w := c.state.Waiting; w != nil && w.Reason != "CrashLoopBackOff" && c.restarts == 0 {
		c.last = corev1.ContainerState{}
	}
	c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(in.began)}}
	c.previous, c.current = c.current, in
	c.started = c.spec.StartupProbe == nil
	c.ready = c.started && c.spec.ReadinessProbe == nil
	c.mu.Unlock()
	c.forgetOldLogs()
	c.pod.notify()
	c.pod.event(corev1.EventTypeNormal, "Started", "Started container %s", c.name)
}

func (c *container) terminated(in *instance) {
	t := &corev1.ContainerStateTerminated{
		ExitCode: int32(in.exitCode()), Signal: 0, Reason: "Completed", ContainerID: in.id,
		StartedAt: metav1.NewTime(in.began), FinishedAt: metav1.NewTime(in.ended),
	}
	if t.ExitCode != 0 {
		t.Reason = "Error"
	}
	c.mu.Lock()
	c.state = corev1.ContainerState{Terminated: t}
	c.started, c.ready = false, false
	c.mu.Unlock()
	c.pod.notify()
}
