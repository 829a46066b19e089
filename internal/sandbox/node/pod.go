package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// pod is one pod on this node, from the moment it was bound to its end.
type pod struct {
	host            *host
	uid             types.UID
	namespace, name string
	created         time.Time
	dir             string
	ip              string
	bindHost        string
	containers      []*container

	mu      sync.Mutex
	obj     *corev1.Pod      // as the API server last showed it
	written corev1.PodStatus // as we last wrote it

	changed  chan struct{} // something to report
	stopping latch         // told to end
	kill     latch         // the grace period is over
	gone     latch         // nobody wants to hear of it any more
}

// latch is a channel that is closed once.
type latch struct {
	once sync.Once
	ch   chan struct{}
}

func newLatch() latch { return latch{ch: make(chan struct{})} }

func (l *latch) close()                  { l.once.Do(func() { close(l.ch) }) }
func (l *latch) closed() <-chan struct{} { return l.ch }
func (l *latch) isClosed() bool {
	select {
	case <-l.ch:
		return true
	default:
		return false
	}
}

func newPod(h *host, obj *corev1.Pod) (*pod, error) {
	ip, err := h.addresses.take()
	if err != nil {
		return nil, err
	}
	bindHost, err := h.cfg.Slot.BindHost(ip)
	if err != nil {
		return nil, err
	}
	p := &pod{
		host: h, uid: obj.UID, namespace: obj.Namespace, name: obj.Name, created: obj.CreationTimestamp.Time,
		dir: filepath.Join(h.dir.Pods(), string(obj.UID)), ip: ip, bindHost: bindHost,
		obj: obj, written: *obj.Status.DeepCopy(),
		changed: make(chan struct{}, 1), stopping: newLatch(), kill: newLatch(), gone: newLatch(),
	}
	for i := range obj.Spec.Containers {
		c := newContainer(p, obj.Spec.Containers[i], obj.Status.ContainerStatuses)
		if err := os.MkdirAll(c.dir, 0o700); err != nil {
			return nil, fmt.Errorf("make container folder: %w", err)
		}
		p.containers = append(p.containers, c)
	}
	return p, nil
}

// update takes the pod's newest form from the API server.
func (p *pod) update(obj *corev1.Pod) {
	p.mu.Lock()
	p.obj = obj
	p.mu.Unlock()
	if obj.DeletionTimestamp != nil {
		p.stop(graceOf(obj))
		return
	}
	for i, c := range p.containers {
		c.setImage(obj.Spec.Containers[i].Image)
	}
}

func graceOf(obj *corev1.Pod) time.Duration {
	if s := obj.DeletionGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return 0
}

// stop ends the containers, at the latest when the grace is over. A later call
// with less grace shortens it.
func (p *pod) stop(grace time.Duration) {
	p.stopping.close()
	if grace <= 0 {
		p.kill.close()
		return
	}
	time.AfterFunc(grace, p.kill.close)
}

// abandon ends the containers at once and reports nothing more.
func (p *pod) abandon() {
	p.gone.close()
	p.stop(0)
}

func (p *pod) object() *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.obj.DeepCopy()
}

// notify says that there is something to report. It never blocks.
func (p *pod) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// run lives as long as the pod.
func (p *pod) run(ctx context.Context) {
	defer p.host.addresses.give(p.ip)
	obj := p.object()
	switch {
	case obj.DeletionTimestamp != nil:
		// nothing of it runs here: it ended with an earlier agent
		p.deleteObject(ctx)
		return
	case obj.Status.Phase == corev1.PodSucceeded || obj.Status.Phase == corev1.PodFailed:
		p.awaitDeletion(ctx)
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.runContainers(ctx)
	}()
	p.report(ctx, ended)
	<-ended
	if p.gone.isClosed() {
		return
	}
	p.awaitDeletion(ctx)
}

func (p *pod) runContainers(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, c := range p.containers {
		all.Go(func() { c.run(ctx) })
	}
}

// report writes the status whenever it changed, until all containers have ended
// for good and that has been written, too.
func (p *pod) report(ctx context.Context, ended <-chan struct{}) {
	p.notify()
	var again <-chan time.Time
	over := false
	for {
		select {
		case <-p.gone.closed():
			return
		case <-p.changed:
		case <-again:
		case <-ended:
			ended, over = nil, true
		}
		again = nil
		if !p.writeStatus(ctx) {
			again = time.After(shortly)
		} else if over {
			return
		}
	}
}

func (p *pod) awaitDeletion(ctx context.Context) {
	select {
	case <-p.gone.closed():
	case <-p.stopping.closed():
		p.deleteObject(ctx)
	}
}

// deleteObject removes the pod from the API now that nothing of it runs. The
// library we build on would wait for the whole grace period.
func (p *pod) deleteObject(ctx context.Context) {
	now := int64(0)
	opts := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(p.uid))}
	retry(p.gone.closed(), func() bool {
		err := p.host.client.CoreV1().Pods(p.namespace).Delete(ctx, p.name, opts)
		return err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err)
	})
}

func (p *pod) event(kind, reason, format string, args ...any) {
	if p.gone.isClosed() {
		return
	}
	p.host.recorder.Eventf(p.object(), kind, reason, format, args...)
}
