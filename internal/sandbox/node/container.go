package node

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container is one container of a pod and the series of its runs.
type container struct {
	pod  *pod
	name string
	spec corev1.Container
	dir  string

	mu       sync.Mutex
	image    string
	state    corev1.ContainerState
	last     corev1.ContainerState
	restarts int32
	started  bool // past its startup probe
	ready    bool
	current  *instance // running, or the last that ran
	previous *instance

	reload chan struct{} // the image changed
}

func newContainer(p *pod, spec corev1.Container, seen []corev1.ContainerStatus) *container {
	c := &container{
		pod: p, name: spec.Name, spec: spec, dir: filepath.Join(p.dir, spec.Name), image: spec.Image,
		state:  corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
		reload: make(chan struct{}, 1),
	}
	for _, s := range seen {
		// it ran under an earlier agent, with which it ended
		if s.Name == spec.Name && s.State.Running != nil {
			c.restarts = s.RestartCount + 1
		}
	}
	return c
}

// setImage restarts the container when the pod's image was changed in place.
func (c *container) setImage(image string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.image == image {
		return
	}
	c.image = image
	select {
	case c.reload <- struct{}{}:
	default:
	}
}

func (c *container) status() corev1.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	started := c.started
	return corev1.ContainerStatus{
		Name: c.name, Image: c.image, ImageID: imageID(c.image), ContainerID: c.instanceID(),
		State: c.state, LastTerminationState: c.last, Ready: c.ready, Started: &started, RestartCount: c.restarts,
	}
}

func (c *container) instanceID() string {
	if c.current == nil {
		return ""
	}
	return c.current.id
}

// run starts the container again and again, as its pod's policy says, until it
// ended for good.
func (c *container) run(ctx context.Context) {
	pullBackOff, crashBackOff := newBackOff(), newBackOff()
	for {
		if c.pod.stopping.isClosed() {
			c.neverRan()
			return
		}
		in, reason, err := c.create(ctx)
		if err != nil {
			c.refuse(reason, err, pullBackOff)
			if !c.pause(pullBackOff.next()) {
				c.neverRan()
				return
			}
			continue
		}
		pullBackOff.reset()
		how := c.supervise(ctx, in)
		if how == stopped || !c.restartable(in) {
			return
		}
		if how == reloaded || in.lasted() > crashReset {
			crashBackOff.reset()
		}
		if how != reloaded && !c.crashPause(crashBackOff.next()) {
			return
		}
		c.mu.Lock()
		c.restarts++
		c.mu.Unlock()
	}
}

func (c *container) restartable(in *instance) bool {
	switch c.pod.object().Spec.RestartPolicy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return in.exitCode() != 0
	default:
		return true
	}
}

// refuse shows why the container cannot be started, first the fault itself,
// later that we keep trying.
func (c *container) refuse(reason string, err error, b *backOff) {
	c.pod.event(corev1.EventTypeWarning, "Failed", "Failed to start container %q: %v: %s", c.name, err, reason)
	if reason == reasonPull && b.tries > 0 {
		reason = "ImagePullBackOff"
		c.pod.event(corev1.EventTypeNormal, "BackOff", "Back-off pulling image %q", c.image)
	}
	c.setWaiting(reason, err.Error())
}

// pause waits before the next try; false means that the pod is to end.
func (c *container) pause(d time.Duration) bool {
	select {
	case <-c.pod.stopping.closed():
		return false
	case <-c.reload:
		return true
	case <-time.After(d):
		return true
	}
}

func (c *container) crashPause(d time.Duration) bool {
	c.mu.Lock()
	c.last, c.state = c.state, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
		Reason:  "CrashLoopBackOff",
		Message: "back-off " + d.String() + " restarting failed container=" + c.name + " pod=" + c.pod.name,
	}}
	c.mu.Unlock()
	c.pod.notify()
	c.pod.event(corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s in pod %s", c.name, c.pod.name)
	if c.pause(d) {
		return true
	}
	c.mu.Lock()
	c.state, c.last = c.last, corev1.ContainerState{}
	c.mu.Unlock()
	c.pod.notify()
	return false
}

func (c *container) setWaiting(reason, message string) {
	c.mu.Lock()
	c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	c.mu.Unlock()
	c.pod.notify()
}

// neverRan is the end of a container that waits for its first start.
func (c *container) neverRan() {
	now := metav1.Now()
	c.mu.Lock()
	if c.state.Terminated != nil {
		c.mu.Unlock()
		return
	}
	c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: 137, Reason: "ContainerStatusUnknown", Message: "The container was never started", FinishedAt: now, StartedAt: now,
	}}
	c.mu.Unlock()
	c.pod.notify()
}
