package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"github.com/runbackhq/runback/internal/sandbox/process"
)

// sample is what one container used when we looked.
type sample struct {
	pod       *pod
	container *container
	began     time.Time
	at        time.Time
	usage     process.Usage
}

func (m *manager) samples() []sample {
	m.mu.Lock()
	pods := make([]*pod, 0, len(m.pods))
	for _, p := range m.pods {
		pods = append(pods, p)
	}
	m.mu.Unlock()
	slices.SortFunc(pods, func(a, b *pod) int { return cmp.Compare(a.uid, b.uid) })
	var out []sample
	for _, p := range pods {
		for _, c := range p.containers {
			in, err := c.runningInstance()
			if err != nil {
				continue
			}
			if u, err := process.ReadUsage(in.process); err == nil {
				out = append(out, sample{p, c, in.began, time.Now(), u})
			}
		}
	}
	return out
}

// resourceMetrics answers /metrics/resource, which a metrics server reads.
func (m *manager) resourceMetrics(context.Context) ([]*dto.MetricFamily, error) {
	cpu := family("container_cpu_usage_seconds_total", dto.MetricType_COUNTER)
	memory := family("container_memory_working_set_bytes", dto.MetricType_GAUGE)
	start := family("container_start_time_seconds", dto.MetricType_GAUGE)
	podCPU := family("pod_cpu_usage_seconds_total", dto.MetricType_COUNTER)
	podMemory := family("pod_memory_working_set_bytes", dto.MetricType_GAUGE)
	nodeCPU := family("node_cpu_usage_seconds_total", dto.MetricType_COUNTER)
	nodeMemory := family("node_memory_working_set_bytes", dto.MetricType_GAUGE)
	var total process.Usage
	perPod := map[*pod]process.Usage{}
	var order []*pod
	for _, s := range m.samples() {
		labels := []string{"container", s.container.name, "namespace", s.pod.namespace, "pod", s.pod.name}
		add(cpu, s.usage.CPUSeconds, s.at, labels...)
		add(memory, float64(s.usage.MemoryBytes), s.at, labels...)
		add(start, float64(s.began.UnixMilli())/1000, time.Time{}, labels...)
		if _, seen := perPod[s.pod]; !seen {
			order = append(order, s.pod)
		}
		perPod[s.pod] = sum(perPod[s.pod], s.usage)
		total = sum(total, s.usage)
	}
	now := time.Now()
	for _, p := range order {
		add(podCPU, perPod[p].CPUSeconds, now, "namespace", p.namespace, "pod", p.name)
		add(podMemory, float64(perPod[p].MemoryBytes), now, "namespace", p.namespace, "pod", p.name)
	}
	add(nodeCPU, total.CPUSeconds, now)
	add(nodeMemory, float64(total.MemoryBytes), now)
	failed := family("resource_scrape_error", dto.MetricType_GAUGE)
	add(failed, 0, time.Time{})
	return []*dto.MetricFamily{cpu, memory, start, podCPU, podMemory, nodeCPU, nodeMemory, failed}, nil
}

func sum(a, b process.Usage) process.Usage {
	return process.Usage{CPUSeconds: a.CPUSeconds + b.CPUSeconds, MemoryBytes: a.MemoryBytes + b.MemoryBytes}
}

func family(name string, kind dto.MetricType) *dto.MetricFamily {
	return &dto.MetricFamily{Name: ptr.To(name), Help: ptr.To("as a kubelet reports it"), Type: kind.Enum()}
}

func add(f *dto.MetricFamily, value float64, at time.Time, labels ...string) {
	metric := &dto.Metric{}
	for i := 0; i < len(labels); i += 2 {
		metric.Label = append(metric.Label, &dto.LabelPair{Name: ptr.To(labels[i]), Value: ptr.To(labels[i+1])})
	}
	if !at.IsZero() {
		metric.TimestampMs = ptr.To(at.UnixMilli())
	}
	if f.GetType() == dto.MetricType_COUNTER {
		metric.Counter = &dto.Counter{Value: ptr.To(value)}
	} else {
		metric.Gauge = &dto.Gauge{Value: ptr.To(value)}
	}
	f.Metric = append(f.Metric, metric)
}

// summary answers /stats/summary, the older form of the same.
func (m *manager) summary(context.Context) (*stats.Summary, error) {
	s := &stats.Summary{Node: stats.NodeStats{NodeName: m.node}}
	for _, x := range m.samples() {
		at := metav1.NewTime(x.at)
		s.Pods = append(s.Pods, stats.PodStats{
			PodRef:    stats.PodReference{Name: x.pod.name, Namespace: x.pod.namespace, UID: string(x.pod.uid)},
			StartTime: metav1.NewTime(x.began),
			Containers: []stats.ContainerStats{{
				Name: x.container.name, StartTime: metav1.NewTime(x.began),
				CPU:    &stats.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To(uint64(x.usage.CPUSeconds * 1e9))},
				Memory: &stats.MemoryStats{Time: at, WorkingSetBytes: ptr.To(x.usage.MemoryBytes)},
			}},
		})
	}
	return s, nil
}
