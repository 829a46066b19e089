package k8s

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// What reads a Deployment reads a StatefulSet and a DaemonSet as well, and takes
// none of the pods that only carry the same labels.
func TestStatefulSetsAndDaemonSetsAreRead(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	template := w.mustDeployment("app").Spec.Template
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "myapp"}}
	one := int32(1)
	meta := metav1.ObjectMeta{Name: "db"}
	if _, err := w.typed.AppsV1().StatefulSets(w.cl.Namespace).Create(w.ctx(), &appsv1.StatefulSet{ObjectMeta: meta,
		Spec: appsv1.StatefulSetSpec{Replicas: &one, Selector: selector, Template: template}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.typed.AppsV1().DaemonSets(w.cl.Namespace).Create(w.ctx(), &appsv1.DaemonSet{ObjectMeta: meta,
		Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind string
		pods int
	}{{"statefulset", 1}, {"daemonset", 2}} {
		var out actions.Outputs
		w.eventually(c.kind+" is ready", func() bool {
			out = w.do("k8s.describe", values{"kind": c.kind, "name": "db"})
			r, _ := out["replicas"].(map[string]any)
			return r != nil && r["ready"] == c.pods
		})
		if len(out["pods"].([]any)) != c.pods || len(out["problems"].([]any)) > 0 {
			t.Errorf("%s: %v", c.kind, out)
		}
		if out := w.do("k8s.logs", values{c.kind: "db", "contains": "listening"}); out["pods"] != c.pods {
			t.Errorf("%s: %v", c.kind, out)
		}
		if out := w.do("k8s.look", values{c.kind: "db", "args": sh("echo here")}); out["stdout"] != "here\n" {
			t.Errorf("%s: %v", c.kind, out)
		}
		if out := w.do("k8s.port_forward", values{c.kind: "db"}); out["ok"] != true {
			t.Errorf("%s: %v", c.kind, out)
		}
		if out := w.do("k8s.top", values{"of": "pods", c.kind: "db"}); len(out["items"].([]any)) != c.pods {
			t.Errorf("%s: %v", c.kind, out)
		}
		_, err := w.must("k8s.logs", values{c.kind: "bd"}).run()
		wantKind(t, err, actions.KindInvalid, "no "+c.kind, "db")
	}
	if out := w.do("k8s.logs", values{"deployment": "app"}); out["pods"] != 1 {
		t.Errorf("the Deployment has pods of others: %v", out)
	}
}

// A log of which no line was read proves nothing, nor does one that could not
// be read; of one that was read, no match is a finding.
func TestLogsThatContainAText(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	with := func(text string) actions.Outputs {
		return w.do("k8s.logs", values{"deployment": "app", "contains": text, "tail": 1000})
	}
	all := w.do("k8s.logs", values{"deployment": "app", "tail": 1000})
	if all["matched"] != nil || all["lines"] == 0 {
		t.Fatalf("%v", all)
	}
	if out := with("nobody says this"); out["matched"] != 0 || out["bytes"] != 0 || out["lines"] == 0 {
		t.Errorf("%v", out)
	}
	if out := with("\n"); out["matched"] == 0 {
		t.Errorf("%v", out)
	}
	if out := w.do("k8s.logs", values{"selector": "app=nobody", "contains": "x"}); out["matched"] != nil {
		t.Errorf("of nobody: %v", out)
	}
}
