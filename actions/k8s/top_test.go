package k8s

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

func resources(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

func measuredAt(at time.Time, cpu, memory string) measured {
	return measured{Timestamp: metav1.NewTime(at), Window: metav1.Duration{Duration: 15 * time.Second}, Usage: resources(cpu, memory)}
}

// What was not measured, or too long ago, or before the pod was made, is unknown
// and never 0; and the highest is known only where all are.
func TestUnknownUsageIsNotZero(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	limit := quantities(resources("1", "1Gi"))
	made := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		m       meter
		sample  *measured
		cpu     int // -1 is unknown
		share   float64
		silent  bool
		over    bool
		highest bool
	}{
		"a fresh sample":         {meter{name: "a", made: made, limit: limit}, ptr(measuredAt(now.Add(-time.Minute), "500m", "512Mi")), 500, 0.5, false, false, true},
		"too much":               {meter{name: "a", made: made, limit: limit}, ptr(measuredAt(now, "100m", "1000Mi")), 100, 0.1, false, true, true},
		"no sample":              {meter{name: "a", made: made, limit: limit}, nil, -1, -1, true, false, false},
		"a stale sample":         {meter{name: "a", made: made, limit: limit}, ptr(measuredAt(now.Add(-time.Hour/2), "500m", "512Mi")), -1, -1, true, false, false},
		"of another of its name": {meter{name: "a", made: now, limit: limit}, ptr(measuredAt(now.Add(-time.Minute), "500m", "512Mi")), -1, -1, true, false, false},
		"a sample without usage": {meter{name: "a", made: made, limit: limit}, &measured{Timestamp: metav1.NewTime(now)}, -1, -1, true, false, false},
		"nothing bounds it":      {meter{name: "a", made: made}, ptr(measuredAt(now, "500m", "512Mi")), 500, -1, false, false, false},
	} {
		samples := map[string]measured{}
		if c.sample != nil {
			samples["a"] = *c.sample
		}
		out := topOut{}
		out.add(c.m.read(samples, now, 2*time.Minute), topIn{Above: 0.9})
		out.conclude()
		u := out.Items[0]
		share := -1.0
		if u.CPUOf != nil {
			share = *u.CPUOf
		}
		if amount(u.CPU) != c.cpu || share != c.share || (len(out.Silent) > 0) != c.silent || (out.Over != nil && len(*out.Over) > 0) != c.over || (out.Over == nil) != c.silent || (out.CPU != nil) != c.highest || out.Complete == c.silent {
			t.Errorf("%s: %+v of %+v", name, u, out)
		}
	}
	none := topOut{}
	if none.conclude(); none.Complete || none.CPU != nil {
		t.Errorf("of nothing: %+v", none)
	}
}

// The containers of a pod are added up, and one without a limit leaves the pod
// without one.
func TestUsageOfPods(t *testing.T) {
	p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "a", Resources: corev1.ResourceRequirements{Limits: resources("1", "1Gi"), Requests: resources("500m", "1Gi")}},
		{Name: "b", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}},
	}}}
	m := meterOf(p)
	if q := m.limit[corev1.ResourceCPU]; q == nil || q.MilliValue() != 2000 || m.limit[corev1.ResourceMemory] != nil || m.request[corev1.ResourceCPU] != nil {
		t.Errorf("%+v", m)
	}
	s := measured{}
	for range 2 {
		s.Containers = append(s.Containers, struct {
			Name  string              `json:"name"`
			Usage corev1.ResourceList `json:"usage"`
		}{"a", resources("250m", "100Mi")})
	}
	used := s.used()
	if cpu := used[corev1.ResourceCPU]; cpu.MilliValue() != 500 {
		t.Errorf("%v", used)
	}
}

// The cluster that most tests use has no metrics API.
func TestTopWithoutMetrics(t *testing.T) {
	w := newWorld(t)
	for _, of := range []string{"nodes", "pods"} {
		out := w.do("k8s.top", values{"of": of})
		if out["available"] != false || out["over"] != nil || out["highest_cpu"] != nil || out["complete"] != false || out["oldest_sample_s"] != nil {
			t.Errorf("%v", out)
		}
		for _, it := range out["items"].([]any) {
			if u := it.(map[string]any); u["cpu_m"] != nil || u["memory_share"] != nil {
				t.Errorf("%v", u)
			}
		}
	}
	_, err := w.must("k8s.top", values{"of": "nodes", "deployment": "app"}).run()
	wantKind(t, err, actions.KindInvalid, "nodes belong to no workload")
}
