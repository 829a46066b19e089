package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/testargo"
	"github.com/runbackhq/runback/internal/testcluster"
)

// TestReleaseTools runs the playbooks for what other programs release, whole:
// helm is the real one, the controller of Argo Rollouts is played.
func TestReleaseTools(t *testing.T) {
	env := testcluster.Up(t, "healthy", "--quiet", "--rate", "1")
	testargo.Install(t, env)
	t.Run("helm-release", func(t *testing.T) {
		t.Parallel()
		helmRelease(t, env)
	})
	t.Run("canary-argo", func(t *testing.T) {
		t.Parallel()
		canaryArgo(t, env, true, (*testargo.Rollout).PlayedCanary)
	})
}

// namespace makes one, which goes with the sandbox.
func (w *world) namespace(name string) {
	w.t.Helper()
	if _, err := w.core.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// plansIn plans, and holds the plan to changing nothing in the namespace.
func plansIn(t *testing.T, w *world, p *program, ns string, args []string) planView {
	t.Helper()
	before := w.versionsIn(ns)
	var plan planView
	p.json(&plan, append([]string{"plan"}, args...)...)
	if diff := changedKeys(before, w.versionsIn(ns)); len(diff) > 0 || len(w.writes(ns)) > 0 {
		t.Errorf("the plan changed %v, wrote %v", diff, w.writes(ns))
	}
	if plan.Refused != "" {
		t.Fatalf("the plan is refused at %s", plan.Refused)
	}
	return plan
}

// atRest waits until only so many pods are left in a namespace and nothing changes
// any more: what an upgrade replaced is still going when helm is done.
func (w *world) atRest(ns string, pods int) {
	w.t.Helper()
	before := map[string]string{}
	w.eventually(ns+" is at rest", func() bool {
		now, n := w.versionsIn(ns), 0
		for k := range now {
			if strings.HasPrefix(k, "pods/") {
				n++
			}
		}
		same := len(changedKeys(before, now)) == 0
		before = now
		return same && n == pods
	})
}

func (w *world) versionsIn(ns string) map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for k, v := range w.versions() {
		// A Rollout that is touched by its controller is looked at by itself.
		if strings.Contains(k, "/"+ns+"/") && !strings.HasPrefix(k, "rollouts/") {
			out[k] = v
		}
	}
	return out
}

// errorsAt asks an address 20 times and counts what customers would call broken.
func errorsAt(t *testing.T, url string) (n int) {
	t.Helper()
	for range 20 {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			n++
		}
	}
	return n
}

// step gives what a run did at a step.
func (v runView) step(t *testing.T, path string) (status string, outputs map[string]any) {
	t.Helper()
	for _, s := range v.Steps {
		if s.Path == path {
			return s.Status, s.Outputs
		}
	}
	t.Fatalf("run %s has no step %s: %+v", v.ID, path, v.Steps)
	return "", nil
}

// statuses gives how each step came out.
func (v runView) statuses() string {
	var out []string
	for _, s := range v.Steps {
		out = append(out, s.Path+" "+s.Status)
	}
	return strings.Join(out, ", ")
}

// killings are moments around an effect in which an executor dies: when it is
// announced, in the middle of it, and when it is over and not yet recorded.
func killings(t *testing.T, events, path string) map[string]trial {
	t.Helper()
	at := seqs(t, events)
	announced, acted := at["step.intent "+path], at["step.acted "+path]
	var took work
	for _, w := range works(t, events) {
		if w.announced == point("event", announced) {
			took = w
		}
	}
	if announced == 0 || acted <= announced || took.took == 0 {
		t.Fatalf("step %s had no effect in:\n%s", path, events)
	}
	executor := []string{"executor"}
	return map[string]trial{
		"announced": {at: point("event", announced), dies: executor},
		"midway":    {at: point("event", announced), after: took.took / 2, dies: executor},
		"done":      {at: point("append", acted), dies: executor},
	}
}

func point(kind string, n int) string { return fmt.Sprint(kind, ":", n) }

// seqs numbers the events of a run: by type and step.
func seqs(t *testing.T, events string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for line := range strings.Lines(events) {
		var e struct {
			Seq        int
			Type, Path string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out[e.Type+" "+e.Path] = e.Seq
	}
	return out
}

// resumed lets the executor of a run die, and another go on.
func resumed(t *testing.T, p *program, d trial, begin []string) {
	t.Helper()
	bin := p.bin
	p.bin = testcluster.Binary(t, "runback-crash")
	res := p.until(d, &scene{}, begin)
	p.bin = bin
	if res.code != -1 {
		t.Fatalf("it did not die: exit code %d\n%s%s", res.code, res.out, res.err)
	}
	p.must(0, "resume", "last")
}
