package k8s

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "nobody:1", 1)
	var out actions.Outputs
	w.eventually("a warning is there", func() bool {
		out = w.do("k8s.events", values{"type": "Warning"})
		return out["warnings"] != 0
	})
	if out["total"] != out["warnings"] || len(out["by_reason"].(map[string]any)) == 0 {
		t.Errorf("%v", out)
	}
	out = w.do("k8s.events", values{"kind": "deployment", "name": "app"})
	for _, e := range out["events"].([]any) {
		if e.(map[string]any)["object"] != "deployment/app" {
			t.Errorf("of another object: %v", e)
		}
	}
	if out["by_reason"].(map[string]any)["ScalingReplicaSet"] != 1 {
		t.Errorf("%v", out)
	}
	if out := w.do("k8s.events", values{"type": "Warning", "most": 1}); len(out["events"].([]any)) != 1 {
		t.Errorf("%v", out)
	}
	_, err := w.must("k8s.events", values{"kind": "deployment"}).run()
	wantKind(t, err, actions.KindInvalid, "belong together")
	_, err = w.must("k8s.events", values{"kind": "deployment", "name": "ap"}).run()
	wantKind(t, err, actions.KindInvalid, "app")
}

// Events that say the same are one with a count, and those that are older than
// what was asked for are left out, by the clock of the API server.
func TestEventsAreAddedUp(t *testing.T) {
	w := newWorld(t)
	now, err := w.cl.now(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for i, age := range []int64{60, 7200} {
		e := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("e%d", i), Namespace: w.cl.Namespace},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "app", Namespace: w.cl.Namespace, UID: "u"},
			Type:           "Warning", Reason: "BackOff", Count: 7,
			FirstTimestamp: metav1.Unix(now.Unix()-10800, 0), LastTimestamp: metav1.Unix(now.Unix()-age, 0),
		}
		if _, err := w.typed.CoreV1().Events(w.cl.Namespace).Create(w.ctx(), e, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	out := w.do("k8s.events", values{})
	if out["total"] != 7 || out["by_reason"].(map[string]any)["BackOff"] != 7 || len(out["events"].([]any)) != 1 {
		t.Errorf("%v", out)
	}
	if age, _ := out["events"].([]any)[0].(map[string]any)["age_s"].(int); age < 59 || age > 100 {
		t.Errorf("age %d", age)
	}
	if out := w.do("k8s.events", values{"since": "3h"}); out["total"] != 14 {
		t.Errorf("%v", out)
	}
}
