package k8s

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/runbackhq/runback/actions"
)

func podTemplate(name, image string) corev1.PodTemplateSpec {
	grace := int64(5)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"track": name}},
		Spec: corev1.PodSpec{TerminationGracePeriodSeconds: &grace, Containers: []corev1.Container{{
			Name: "app", Image: image, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
				HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromString("http")}}},
		}}},
	}
}

// stateful makes a StatefulSet and waits until it serves.
func (w *world) stateful(name, image string, replicas int32, more ...func(*appsv1.StatefulSet)) {
	w.t.Helper()
	s := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"track": name}},
			Template: podTemplate(name, image)},
	}
	for _, f := range more {
		f(s)
	}
	if _, err := w.typed.AppsV1().StatefulSets(w.cl.Namespace).Create(w.ctx(), s, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	if replicas > 0 {
		w.wholly("statefulset", name)
	}
}

func (w *world) onNodes(name, image string) {
	w.t.Helper()
	d := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"track": name}}, Template: podTemplate(name, image)},
	}
	if _, err := w.typed.AppsV1().DaemonSets(w.cl.Namespace).Create(w.ctx(), d, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.wholly("daemonset", name)
}

func (w *world) wholly(kind, name string) {
	w.t.Helper()
	w.do("k8s.wait", values{"kind": kind, "name": name, "until": "complete"})
}

func (w *world) setsImage(kind, name, image string) actions.Outputs {
	w.t.Helper()
	return w.do("k8s.set_image", values{kind: name, "image": image})
}

// Each kind goes back to a revision that is named by what it holds, and a second
// undo has nothing to do.
func TestUndoOfRevisions(t *testing.T) {
	for _, kind := range []string{"statefulset", "daemonset"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			if kind == "statefulset" {
				w.stateful("app", "myapp:1.4.2", 2)
			} else {
				w.onNodes("app", "myapp:1.4.2")
			}
			of := values{kind: "app"}
			first := w.do("k8s.rollout_status", of)
			if first["complete"] != true || first["settled"] != true || first["revision"] != 1 || first["desired"] != 2 {
				t.Fatalf("status: %v", first)
			}
			w.setsImage(kind, "app", "myapp:1.5.0-errors")
			w.wholly(kind, "app")
			_, err := w.prepare("k8s.rollout_undo", of)
			wantKind(t, err, actions.KindRefused, kind+" app", "so nothing says that it works", "--set allow_unproven=true")
			p := w.must("k8s.rollout_undo", values{kind: "app", "revision": 1})
			if v := p.preview(); v.Label != actions.Exact || !strings.Contains(v.Summary, "revision 1 again: myapp:1.5.0-errors → myapp:1.4.2") {
				t.Errorf("preview: %+v", v)
			}
			if v := p.probe(); v != actions.NotApplied {
				t.Errorf("probe before: %s", v)
			}
			out := p.mustRun()
			if out["changed"] != true || out["hash"] != first["hash"] {
				t.Errorf("outputs %v, hash of the first revision %v", out, first["hash"])
			}
			if v := p.probe(); v != actions.Applied {
				t.Errorf("probe: %s", v)
			}
			w.wholly(kind, "app")
			if again := w.do("k8s.rollout_undo", of); again["changed"] != false {
				t.Errorf("second undo: %v", again)
			}
			_, err = w.prepare("k8s.rollout_undo", values{kind: "app", "revision": 1})
			wantKind(t, err, actions.KindInvalid, "no revision 1 of "+kind+" app", "revision 3 (myapp:1.4.2)")
			now := w.do("k8s.rollout_status", of)
			if now["rolled_back"] != true || now["image"] != "myapp:1.4.2" || now["hash"] != first["hash"] || now["complete"] != true {
				t.Errorf("status after: %v", now)
			}
			p.undo(out)
			w.wholly(kind, "app")
			if now := w.do("k8s.rollout_status", of); now["image"] != "myapp:1.5.0-errors" {
				t.Errorf("after undo of the undo: %v", now)
			}
		})
	}
}

// A broken pod of an ordered StatefulSet holds it up although the template is
// right again.
func TestUndoOfAStuckStatefulSet(t *testing.T) {
	w := newWorld(t)
	w.stateful("app", "myapp:1.4.2", 2)
	w.setsImage("statefulset", "app", "myapp:1.5.0-unready")
	of := values{"statefulset": "app"}
	w.eventually("app-1 is new and not ready", func() bool {
		s := w.do("k8s.rollout_status", of)
		bad, _ := s["unhealthy"].([]any)
		return len(bad) == 1 && s["updated"] == 1 && s["complete"] == false && s["settled"] == false
	})
	p := w.must("k8s.rollout_undo", of) // app-0 is ready, which is proof
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "pod app-1 is of the template that is left and is not ready") {
		t.Errorf("notes: %s", notes)
	}
	p.mustRun()
	w.do("k8s.delete_pods", values{"pods": []any{"app-1"}})
	w.wholly("statefulset", "app")
}

func TestPartitionIsNotComplete(t *testing.T) {
	w := newWorld(t)
	two := int32(1)
	w.stateful("app", "myapp:1.4.2", 2, func(s *appsv1.StatefulSet) {
		s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &two}}
	})
	p := w.must("k8s.set_image", values{"statefulset": "app", "image": "myapp:1.5.0-slow"})
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "the partition is 1: pods app-0 to app-0 keep the older template") {
		t.Errorf("notes: %s", notes)
	}
	p.mustRun()
	var s actions.Outputs
	w.eventually("it went as far as it may", func() bool {
		s = w.do("k8s.rollout_status", values{"statefulset": "app"})
		return s["settled"] == true && s["updated"] == 1
	})
	if s["complete"] != false || s["old"] != 1 || s["partition"] != 1 || !strings.Contains(fmt.Sprint(s["reason"]), "partition is 1") {
		t.Errorf("status: %v", s)
	}
	wait := w.must("k8s.wait", values{"kind": "statefulset", "name": "app", "until": "complete"})
	if err := wait.runFor(time.Second); err == nil || !strings.Contains(err.Error(), "the partition is 1") {
		t.Errorf("waiting for complete: %v", err)
	}
	_, err := w.prepare("k8s.restart", values{"statefulset": "app"})
	wantKind(t, err, actions.KindRefused, "would not replace all its pods", "k8s.delete_pods")
}

func TestOnDeleteReplacesNothing(t *testing.T) {
	w := newWorld(t)
	w.stateful("app", "myapp:1.4.2", 1, func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType })
	p := w.must("k8s.set_image", values{"statefulset": "app", "image": "myapp:1.5.0-slow"})
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "OnDelete") {
		t.Errorf("notes: %s", notes)
	}
	p.mustRun()
	w.eventually("it is seen", func() bool {
		s := w.do("k8s.rollout_status", values{"statefulset": "app"})
		return s["old"] == 1 && s["complete"] == false && s["on_delete"] == true
	})
	_, err := w.prepare("k8s.restart", values{"statefulset": "app"})
	wantKind(t, err, actions.KindRefused, "OnDelete")
	w.do("k8s.delete_pods", values{"pods": []any{"app-0"}})
	w.wholly("statefulset", "app")
}

func TestScaleOfAStatefulSet(t *testing.T) {
	w := newWorld(t)
	w.stateful("app", "myapp:1.4.2", 1)
	up := w.must("k8s.scale", values{"statefulset": "app", "replicas": 2})
	out := up.mustRun()
	if out["ready"] != 2 || up.probe() != actions.Applied {
		t.Errorf("up: %v", out)
	}
	up.undo(out)
	w.eventually("one is left", func() bool { return len(w.podsWith(ofApp)) == 1 })
	down := w.must("k8s.scale", values{"statefulset": "app", "replicas": 0})
	if notes := strings.Join(down.preview().Notes, "\n"); !strings.Contains(notes, "1 of 1 pods end, each within 5s") {
		t.Errorf("notes: %s", notes)
	}
	down.mustRun()
	if n := len(w.podsWith(ofApp)); n != 0 {
		t.Errorf("%d pods are left", n)
	}
	s := w.do("k8s.rollout_status", values{"statefulset": "app"})
	if s["complete"] != false || s["settled"] != false || s["progress"] != nil {
		t.Errorf("status at 0 replicas: %v", s)
	}
	if err := w.must("k8s.wait", values{"kind": "statefulset", "name": "app", "until": "ready"}).runFor(time.Second); err == nil || !strings.Contains(err.Error(), "0 replicas are wanted") {
		t.Errorf("waiting at 0 replicas: %v", err)
	}
}

// What is scaled down may take its data with it.
func TestScaleKeepsTheClaims(t *testing.T) {
	w := newWorld(t)
	w.stateful("app", "myapp:1.4.2", 1, func(s *appsv1.StatefulSet) {
		s.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenScaled: appsv1.DeletePersistentVolumeClaimRetentionPolicyType}
	})
	_, err := w.prepare("k8s.scale", values{"statefulset": "app", "replicas": 0})
	wantKind(t, err, actions.KindRefused, "deletes the volume claims of the 1 pods", "delete_claims: true")
	p := w.must("k8s.scale", values{"statefulset": "app", "replicas": 0, "delete_claims": true})
	w.patch(statefulSets, "app", `{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Delete"}}}`)
	_, err = p.run()
	wantKind(t, err, actions.KindConflict, "persistentVolumeClaimRetentionPolicy")
}

func TestRestartOfADaemonSet(t *testing.T) {
	w := newWorld(t)
	w.onNodes("app", "myapp:1.4.2")
	before := w.uids(ofApp)
	p := w.must("k8s.restart", values{"daemonset": "app"})
	p.mustRun()
	w.wholly("daemonset", "app")
	after := w.uids(ofApp)
	if len(after) != 2 || after[0] == before[0] || after[1] == before[1] {
		t.Errorf("pods %v, before %v", after, before)
	}
	if out := w.mustAs(p.c.Key, "k8s.restart", values{"daemonset": "app"}).mustRun(); out["changed"] != false {
		t.Errorf("the same restart once more: %v", out)
	}
}

func TestWhichWorkload(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		action string
		with   values
		kind   actions.Kind
		words  string
	}{
		"none":                  {"k8s.restart", values{}, actions.KindInvalid, "exactly one workload must be named, 0 are"},
		"two":                   {"k8s.scale", values{"deployment": "a", "statefulset": "b", "replicas": 1}, actions.KindInvalid, "2 are"},
		"pause of a stateful":   {"k8s.rollout_pause", values{"statefulset": "a"}, actions.KindRefused, "partition"},
		"pause of a daemonset":  {"k8s.rollout_pause", values{"daemonset": "a"}, actions.KindRefused, "OnDelete"},
		"resume of a stateful":  {"k8s.rollout_resume", values{"statefulset": "a"}, actions.KindRefused, "cannot be paused"},
		"no such":               {"k8s.rollout_undo", values{"statefulset": "a"}, actions.KindInvalid, `no statefulset "a"`},
		"no such, of a status":  {"k8s.rollout_status", values{"daemonset": "a"}, actions.KindInvalid, `no daemonset "a"`},
		"no such, of set_image": {"k8s.set_image", values{"daemonset": "a", "image": "x:1"}, actions.KindInvalid, `no daemonset "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := w.prepare(c.action, c.with)
			if err == nil && c.action == "k8s.rollout_status" {
				_, err = p.run()
			}
			wantKind(t, err, c.kind, c.words)
		})
	}
}
