package node

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// manager follows the pods bound to one node. Pods are known by UID: two pods
// of the same name, one ending and one beginning, do not meet.
type manager struct {
	host *host
	node string

	mu   sync.Mutex
	pods map[types.UID]*pod
	runs sync.WaitGroup
}

func newManager(h *host, node string) *manager {
	return &manager{host: h, node: node, pods: map[types.UID]*pod{}}
}

// follow starts, changes and ends pods as the API server tells, until the
// context ends; then it ends them all at once and waits for that.
func (m *manager) follow(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(m.host.client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", m.node).String()
		}))
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { m.sync(ctx, obj.(*corev1.Pod)) },
		UpdateFunc: func(_, obj any) { m.sync(ctx, obj.(*corev1.Pod)) },
		DeleteFunc: func(obj any) { m.forget(obj) },
	})
	if err != nil {
		return fmt.Errorf("follow pods: %w", err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	m.endAll()
	return nil
}

func (m *manager) sync(ctx context.Context, obj *corev1.Pod) {
	if ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, known := m.pods[obj.UID]; known {
		p.update(obj)
		return
	}
	p, err := newPod(m.host, obj)
	if err != nil {
		m.host.log.Error("cannot take pod", "pod", obj.Name, "reason", err.Error())
		return
	}
	m.pods[obj.UID] = p
	m.runs.Go(func() {
		// the pod ends itself when told; the context of the informer must not
		// cut off its last status
		p.run(context.WithoutCancel(ctx))
		m.remove(p)
	})
}

func (m *manager) remove(p *pod) {
	m.mu.Lock()
	delete(m.pods, p.uid)
	m.mu.Unlock()
	if err := os.RemoveAll(p.dir); err != nil {
		m.host.log.Warn("cannot remove folder of pod", "pod", p.name, "reason", err.Error())
	}
}

// forget ends a pod that is gone from the API: there is nothing to report.
func (m *manager) forget(obj any) {
	if tomb, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = tomb.Obj
	}
	gone, ok := obj.(*corev1.Pod)
	if !ok {
		return
	}
	m.mu.Lock()
	p := m.pods[gone.UID]
	m.mu.Unlock()
	if p != nil {
		p.abandon()
	}
}

func (m *manager) endAll() {
	m.mu.Lock()
	for _, p := range m.pods {
		p.abandon()
	}
	m.mu.Unlock()
	m.runs.Wait()
}

// find looks a pod up by name; of two with one name the younger counts.
func (m *manager) find(namespace, name string) (*pod, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found *pod
	for _, p := range m.pods {
		if p.namespace == namespace && p.name == name && (found == nil || p.created.After(found.created)) {
			found = p
		}
	}
	if found == nil {
		return nil, errdefs.NotFoundf("pod %s/%s is not on this node", namespace, name)
	}
	return found, nil
}

func (m *manager) findContainer(namespace, name, containerName string) (*container, error) {
	p, err := m.find(namespace, name)
	if err != nil {
		return nil, err
	}
	for _, c := range p.containers {
		if c.name == containerName {
			return c, nil
		}
	}
	return nil, errdefs.NotFoundf("container %s is not in pod %s/%s", containerName, namespace, name)
}

// retry calls f until it succeeds, fails for good, or stop is closed.
func retry(stop <-chan struct{}, f func() (done bool)) {
	for !f() {
		select {
		case <-stop:
			return
		case <-time.After(shortly):
		}
	}
}
