package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
	"github.com/runbackhq/runback/internal/sandbox/slot"
)

// newTestNode is a node with real processes and an API server of memory.
func newTestNode(t *testing.T) *manager {
	t.Helper()
	dir := layout.Dir(t.TempDir())
	if err := os.MkdirAll(dir.Records(), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := layout.Config{Slot: slot.Slot{Number: slot.Count}, Isolation: process.ProcessGroup}
	h := &host{
		dir: dir, cfg: cfg, client: fake.NewClientset(), recorder: &record.FakeRecorder{},
		spawner: process.NewSpawner(), addresses: newAddressPool(cfg.Slot), processes: newLedger(dir.Records()),
		log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	m := newManager(h, "node-1")
	t.Cleanup(func() {
		m.endAll()
		h.spawner.Close()
		if left := process.Marked(string(dir)); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
	return m
}

// take lets the node have a pod that runs a script.
func (m *manager) take(t *testing.T, name string, policy corev1.RestartPolicy, script string) *corev1.Pod {
	t.Helper()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID("uid-" + name)},
		Spec: corev1.PodSpec{
			RestartPolicy: policy, TerminationGracePeriodSeconds: ptr.To(int64(1)),
			Containers: []corev1.Container{{Name: "main", Image: imageHost, Command: []string{"sh", "-c", script}}},
		},
	}
	created, err := m.host.client.CoreV1().Pods("default").Create(t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.sync(context.Background(), created)
	return created
}

func (m *manager) await(t *testing.T, name, what string, check func(*corev1.Pod) bool) {
	t.Helper()
	var last *corev1.Pod
	for range 400 {
		p, err := m.host.client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if last = p; check(p) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s: never %s: %+v", name, what, last.Status)
}

func running(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodRunning && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].Ready
}

func TestPodEndsWithinItsGrace(t *testing.T) {
	m := newTestNode(t)
	for name, c := range map[string]struct {
		script         string
		atLeast, atMax time.Duration
	}{
		"polite":   {`trap 'exit 0' TERM; while :; do sleep 0.05; done`, 0, 900 * time.Millisecond},
		"stubborn": {`trap '' TERM; while :; do sleep 0.05; done`, time.Second, 3 * time.Second},
	} {
		p := m.take(t, name, corev1.RestartPolicyAlways, c.script)
		m.await(t, name, "running", running)
		time.Sleep(100 * time.Millisecond) // the shell sets its trap
		p = p.DeepCopy()
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = ptr.To(metav1.Now()), ptr.To(int64(1))
		begin := time.Now()
		m.sync(context.Background(), p)
		for range 400 {
			if _, err := m.host.client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{}); err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(begin); took < c.atLeast || took > c.atMax {
			t.Errorf("%s was gone after %s", name, took)
		}
	}
}

func TestRestartPolicies(t *testing.T) {
	m := newTestNode(t)
	m.take(t, "job", corev1.RestartPolicyNever, "exit 0")
	m.take(t, "failed", corev1.RestartPolicyNever, "exit 9")
	m.take(t, "retried", corev1.RestartPolicyOnFailure, `test -e again || { touch again; exit 1; }`)
	m.take(t, "looping", corev1.RestartPolicyAlways, "exit 0")
	m.await(t, "job", "succeeded", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
	m.await(t, "failed", "failed with 9", func(p *corev1.Pod) bool {
		return p.Status.Phase == corev1.PodFailed && p.Status.ContainerStatuses[0].State.Terminated.ExitCode == 9
	})
	m.await(t, "retried", "succeeded after one restart", func(p *corev1.Pod) bool {
		return p.Status.Phase == corev1.PodSucceeded && p.Status.ContainerStatuses[0].RestartCount == 1
	})
	m.await(t, "looping", "in back-off", func(p *corev1.Pod) bool {
		c := p.Status.ContainerStatuses[0]
		return c.RestartCount >= 1 && c.State.Waiting != nil && c.State.Waiting.Reason == "CrashLoopBackOff"
	})
}

func TestTwoPodsOfOneName(t *testing.T) {
	m := newTestNode(t)
	old := m.take(t, "twin", corev1.RestartPolicyAlways, `echo old; trap '' TERM; while :; do sleep 0.05; done`)
	m.await(t, "twin", "running", running)
	if err := m.host.client.CoreV1().Pods("default").Delete(t.Context(), "twin", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	successor := old.DeepCopy()
	successor.UID, successor.CreationTimestamp = "uid-other", metav1.Now()
	successor.Spec.Containers[0].Command[2] = "echo new; sleep 100"
	if _, err := m.host.client.CoreV1().Pods("default").Create(t.Context(), successor, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	m.sync(context.Background(), successor)
	m.forget(old)
	m.await(t, "twin", "running", running)
	for range 100 {
		r, err := m.logs(t.Context(), "default", "twin", "main", api.ContainerLogOpts{})
		if err == nil {
			text, _ := io.ReadAll(r)
			_ = r.Close()
			if strings.Contains(string(text), "new") {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the logs are not those of the successor")
}

func TestAddressesAreNotReusedAtOnce(t *testing.T) {
	p := newAddressPool(slot.Slot{Number: 1})
	first, err := p.take()
	if err != nil {
		t.Fatal(err)
	}
	p.give(first)
	if next, _ := p.take(); next == first {
		t.Error("the address was reused at once")
	}
	for range slot.PodAddresses - 1 {
		if _, err := p.take(); err != nil {
			t.Fatal(err)
		}
	}
	if ip, err := p.take(); err == nil {
		t.Errorf("got %s though all are taken", ip)
	}
}

func TestBackOffRisesToItsCap(t *testing.T) {
	b := newBackOff()
	var got []string
	for range 7 {
		got = append(got, b.next().String())
	}
	if s := fmt.Sprint(got); s != "[1s 2s 4s 8s 16s 30s 30s]" {
		t.Error(s)
	}
	if b.reset(); b.next() != firstBackOff {
		t.Error("a reset does not begin anew")
	}
}
