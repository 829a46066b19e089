package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/internal/testcluster"
)

// TestRefusals: what would make things worse is refused with exit code 3 and
// the reason, and nothing is changed.
func TestRefusals(t *testing.T) {
	blueGreen, rolling := testcluster.Up(t, "blue-green"), testcluster.Up(t, "rolling")

	t.Run("selector that matches no pod", func(t *testing.T) {
		refused(t, blueGreen, "no pod of the good colour is ready", "blue-green", "--set", "stable_version=none")
	})
	t.Run("stable version that is not ready", func(t *testing.T) {
		w := newWorld(t, blueGreen)
		w.patch("app-stable", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:1.4.3-unready"}]}},"strategy":{"type":"Recreate","rollingUpdate":null}}}`)
		w.eventually("no pod of app-stable is ready", func() bool { return w.ready("version=stable") == 0 })
		refused(t, blueGreen, "no pod of the good colour is ready", "blue-green")
		refused(t, blueGreen, "no pod of it is ready", "emergency")
	})
	t.Run("object that does not exist", func(t *testing.T) {
		refused(t, blueGreen, "app-stabel", "blue-green", "--set", "stable=app-stabel")
	})
	t.Run("wrong cluster", func(t *testing.T) {
		res := newProgram(t, blueGreen).must(3, "run", "blue-green", "--yes", "--reason", "test", "--set", "cluster="+newWorld(t, rolling).cluster())
		contains(t, res.err, "the playbook is for cluster")
	})
	t.Run("paused deployment", func(t *testing.T) {
		w := newWorld(t, rolling)
		w.patch("app-stable", `{"spec":{"paused":true}}`)
		refused(t, rolling, "is paused", "rolling")
		refused(t, rolling, "is paused", "direct")
		w.patch("app-stable", `{"spec":{"paused":null}}`)
	})
	t.Run("previous revision that was never healthy", func(t *testing.T) {
		w := newWorld(t, rolling)
		// A third version on top of the one that never became healthy: going
		// back one would go back to a version that never worked.
		w.patch("app-stable", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:1.6.0-unready"}]}}}}`)
		w.patch("app-stable", `{"spec":{"strategy":{"rollingUpdate":{"maxUnavailable":"100%"}}}}`)
		w.eventually("the second version has no ready pod", func() bool { return w.ready("version=stable") == 0 })
		refused(t, rolling, "never", "direct")
	})
}

// refused plans and runs, and checks that both refuse for the reason and that
// nothing was written.
func refused(t *testing.T, env *testcluster.Env, reason string, args ...string) {
	t.Helper()
	w, p := newWorld(t, env), newProgram(t, env)
	before := len(w.writes("default"))
	plan := p.must(3, append([]string{"plan"}, args...)...)
	contains(t, squeeze(plan.out), reason)
	run := p.must(3, append([]string{"run", "--yes", "--reason", "test"}, args...)...)
	contains(t, squeeze(run.out), reason)
	contains(t, run.out, "nothing was changed")
	if n := len(w.writes("default")); n != before {
		t.Errorf("%d writes were made", n-before)
	}
}

// squeeze undoes the wrapping of lines.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in:\n%s", part, text)
	}
}

func (w *world) patch(deployment, body string) {
	w.t.Helper()
	_, err := w.core.AppsV1().Deployments("default").Patch(context.Background(), deployment, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{FieldManager: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ready(selector string) int {
	w.t.Helper()
	pods, err := w.core.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n
}

func (w *world) cluster() string {
	w.t.Helper()
	ns, err := w.core.CoreV1().Namespaces().Get(context.Background(), "kube-system", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(ns.UID)
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for range 120 {
		if ok() {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	w.t.Fatalf("not within a minute: %s", what)
}
