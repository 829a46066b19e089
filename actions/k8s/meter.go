package k8s

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/pod"
)

// meter is a node or pod that should have a sample, with what it may use.
type meter struct {
	name, node     string
	made           time.Time
	limit, request map[corev1.ResourceName]*resource.Quantity
}

// measured is what the metrics API says of one. Its types are not imported for
// these fields: they are the same for nodes and pods but for the containers.
type measured struct {
	metav1.ObjectMeta `json:"metadata"`

	Timestamp  metav1.Time         `json:"timestamp"`
	Window     metav1.Duration     `json:"window"`
	Usage      corev1.ResourceList `json:"usage"`
	Containers []struct {
		Name  string              `json:"name"`
		Usage corev1.ResourceList `json:"usage"`
	} `json:"containers"`
}

// meters lists what is measured: those without a sample are missed by the
// metrics API, and would be by anybody who reads it alone.
func (cl *Cluster) meters(ctx context.Context, of string, choice pod.Choice) ([]meter, error) {
	var out []meter
	if of == "nodes" {
		found, err := cl.API.Nodes().List(ctx, metav1.ListOptions{LabelSelector: choice.Selector})
		if err != nil {
			return nil, explain(ctx, err, "listing nodes")
		}
		for _, n := range found.Items {
			out = append(out, meter{name: n.Name, node: n.Name, made: n.CreationTimestamp.Time, limit: quantities(n.Status.Allocatable)})
		}
		return out, nil
	}
	var pods []corev1.Pod
	var err error
	if choice.IsZero() {
		pods, err = cl.pods(ctx, &metav1.LabelSelector{})
	} else {
		pods, err = cl.Pods().Pods(ctx, choice)
	}
	for i := range pods {
		if p := &pods[i]; exists(p) {
			out = append(out, meterOf(p))
		}
	}
	return out, err
}

func quantities(list corev1.ResourceList) map[corev1.ResourceName]*resource.Quantity {
	out := map[corev1.ResourceName]*resource.Quantity{}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q, ok := list[name]; ok {
			out[name] = &q
		}
	}
	return out
}

// meterOf adds up the containers. One without a limit leaves the pod without.
func meterOf(p *corev1.Pod) meter {
	m := meter{name: p.Name, node: p.Spec.NodeName, made: p.CreationTimestamp.Time,
		limit:   map[corev1.ResourceName]*resource.Quantity{},
		request: map[corev1.ResourceName]*resource.Quantity{}}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		m.limit[name] = sum(p, func(c corev1.Container) (resource.Quantity, bool) { q, ok := c.Resources.Limits[name]; return q, ok })
		m.request[name] = sum(p, func(c corev1.Container) (resource.Quantity, bool) { q, ok := c.Resources.Requests[name]; return q, ok })
	}
	return m
}

func sum(p *corev1.Pod, of func(corev1.Container) (resource.Quantity, bool)) *resource.Quantity {
	total := resource.Quantity{}
	for _, c := range p.Spec.Containers {
		q, ok := of(c)
		if !ok || q.IsZero() {
			return nil
		}
		total.Add(q)
	}
	return &total
}

// samples reads the metrics API, or says that there is none. One that is there
// and does not answer is an error of a kind that is waited for.
func (cl *Cluster) samples(ctx context.Context, of string) (map[string]measured, bool, error) {
	k := kind{"metrics of " + of, "metrics.k8s.io", "v1beta1", of}
	client := cl.API.Dynamic.Resource(k.gvr())
	list := client.Namespace(cl.Namespace).List
	if of == "nodes" {
		list = client.List
	}
	found, err := list(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, true, explain(ctx, err, "reading what "+of+" use")
	}
	out := map[string]measured{}
	for i := range found.Items {
		s, err := typed[measured](&found.Items[i])
		if err != nil {
			return nil, true, err
		}
		out[s.Name] = *s
	}
	return out, true, nil
}

// read joins a meter with its sample. A sample from before the pod was made is
// of another one with its name.
func (m meter) read(samples map[string]measured, now time.Time, most time.Duration) usage {
	u := usage{Name: m.name, Node: m.node}
	s, ok := samples[m.name]
	if !ok || s.Timestamp.IsZero() || s.Timestamp.Time.Before(m.made) {
		return u
	}
	u.Age, u.Window = ptr(ago(now, s.Timestamp.Time)), s.Window.Duration.String()
	if !fresh(now, s.Timestamp.Time, most) {
		return u
	}
	used := s.used()
	cpu, hasCPU := used[corev1.ResourceCPU]
	memory, hasMemory := used[corev1.ResourceMemory]
	if !hasCPU || !hasMemory {
		return u
	}
	u.CPU, u.Memory = ptr(int(cpu.MilliValue())), ptr(int(memory.Value()>>20))
	u.CPUOf, u.MemoryOf = share(cpu, m.limit[corev1.ResourceCPU]), share(memory, m.limit[corev1.ResourceMemory])
	u.CPUReq, u.MemReq = share(cpu, m.request[corev1.ResourceCPU]), share(memory, m.request[corev1.ResourceMemory])
	return u
}

// used adds up the containers of a pod; a node is told as a whole.
func (s measured) used() corev1.ResourceList {
	if len(s.Containers) == 0 {
		return s.Usage
	}
	out := corev1.ResourceList{}
	for _, c := range s.Containers {
		for name, q := range c.Usage {
			total := out[name]
			total.Add(q)
			out[name] = total
		}
	}
	return out
}

func share(used resource.Quantity, of *resource.Quantity) *float64 {
	if of == nil || of.IsZero() {
		return nil
	}
	return ptr(float64(used.MilliValue()) / float64(of.MilliValue()))
}
