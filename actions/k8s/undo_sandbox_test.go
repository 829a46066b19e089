package k8s

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

func (w *world) imageOf(name string) string {
	w.t.Helper()
	return w.mustDeployment(name).Spec.Template.Spec.Containers[0].Image
}

func TestUndoTwiceDoesNotFlip(t *testing.T) {
	w := newWorld(t)
	withHistory(w)
	w.patch(deployments, "app", `{"metadata":{"annotations":{"example.com/incident":"42"}}}`)
	out := w.do("k8s.rollout_undo", values{"deployment": "app"})
	if out["changed"] != true || out["image"] != "myapp:1.4.2" || out["from_image"] != "myapp:1.5.0-errors" {
		t.Fatalf("first undo: %v", out)
	}
	w.complete("app")
	second := w.must("k8s.rollout_undo", values{"deployment": "app"})
	if p := second.preview(); !strings.Contains(p.Summary, "nothing to do: already rolled back") {
		t.Errorf("second preview: %+v", p)
	}
	if out := second.mustRun(); out["changed"] != false {
		t.Errorf("second undo: %v", out)
	}
	if img := w.imageOf("app"); img != "myapp:1.4.2" {
		t.Errorf("image is %s: the bad version is back", img)
	}
	if hash, has := w.mustDeployment("app").Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; has {
		t.Errorf("template carries the label of the controller, pod-template-hash %s", hash)
	}
	if got := w.mustDeployment("app").Annotations["example.com/incident"]; got != "42" {
		t.Errorf("annotation of the incident is %q: the map was replaced", got)
	}
}

// A revision has another number after it was gone back to, so the same step
// once more does not find it.
func TestUndoToRevisionIsRepeatable(t *testing.T) {
	w := newWorld(t)
	withHistory(w)
	with := values{"deployment": "app", "revision": 1}
	first := w.must("k8s.rollout_undo", with)
	first.mustRun()
	w.complete("app")
	if out := w.mustAs(first.c.Key, "k8s.rollout_undo", with).mustRun(); out["changed"] != false {
		t.Errorf("the same step again: %v", out)
	}
	_, err := w.prepare("k8s.rollout_undo", with)
	wantKind(t, err, actions.KindInvalid, `no revision 1 of deployment app`, "revision 3 (myapp:1.4.2)", "was rolled back from")
}

func TestUndoNeedsProof(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	w.markGood("app")
	w.rollout("app", "myapp:1.5.0-slow")
	w.complete("app")
	w.rollout("app", "myapp:1.5.0-errors")
	w.complete("app")
	_, err := w.prepare("k8s.rollout_undo", values{"deployment": "app"})
	wantKind(t, err, actions.KindRefused, "revision 2 (myapp:1.5.0-slow)", "--set revision=1")
	if out := w.must("k8s.rollout_undo", values{"deployment": "app", "allow_unproven": true}).preview(); !strings.Contains(out.Summary, "→ myapp:1.5.0-slow") {
		t.Errorf("with allow_unproven: %+v", out)
	}
	if out := w.do("k8s.rollout_undo", values{"deployment": "app", "image": "myapp:1.4.2"}); out["revision"] != 1 {
		t.Errorf("by image: %v", out)
	}
}

// A mark on the Deployment is copied to every ReplicaSet it gets from then on.
func TestMarkOnTheDeploymentProvesNothing(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 1, func(d *appsv1.Deployment) { d.Annotations = map[string]string{knownGood: "true"} })
	w.complete("app")
	w.rollout("app", "myapp:1.5.0-errors")
	w.complete("app")
	_, err := w.prepare("k8s.rollout_undo", values{"deployment": "app"})
	wantKind(t, err, actions.KindRefused, "so nothing says that it works")
}

// In the middle of a rollout the old pods still serve, which is proof enough.
func TestUndoMidRollout(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	w.rollout("app", "myapp:1.5.0-unready")
	w.eventually("a new pod is not ready", func() bool {
		out := w.do("k8s.rollout_status", values{"deployment": "app"})
		list, _ := out["unhealthy"].([]any)
		return len(list) == 1
	})
	out := w.do("k8s.rollout_status", values{"deployment": "app"})
	if out["complete"] != false || out["previous_image"] != "myapp:1.4.2" || out["previous_proven"] != true || out["old"] != 2 {
		t.Errorf("status: %v", out)
	}
	bad := out["unhealthy"].([]any)[0].(map[string]any)
	if bad["image"] != "myapp:1.5.0-unready" || bad["reason"] == "" {
		t.Errorf("unhealthy pod: %v", bad)
	}
	w.do("k8s.rollout_undo", values{"deployment": "app"})
	w.complete("app")
	out = w.do("k8s.rollout_status", values{"deployment": "app"})
	if out["complete"] != true || out["rolled_back"] != true || out["image"] != "myapp:1.4.2" || out["old"] != 0 || out["progress"] != 1 {
		t.Errorf("status after: %v", out)
	}
}

func TestUndoWhilePaused(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	w.rollout("app", "myapp:1.5.0-unready")
	w.settled("app")
	if out := w.do("k8s.rollout_pause", values{"deployment": "app"}); out["was"] != false || out["paused"] != true {
		t.Errorf("pause: %v", out)
	}
	if out := w.do("k8s.rollout_pause", values{"deployment": "app"}); out["was"] != true {
		t.Errorf("pause of a paused one: %v", out)
	}
	p := w.must("k8s.rollout_undo", values{"deployment": "app"})
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "paused") {
		t.Errorf("notes do not speak of the pause: %s", notes)
	}
	p.mustRun()
	if _, err := w.prepare("k8s.restart", values{"deployment": "app"}); actions.KindOf(err) != actions.KindRefused {
		t.Errorf("restart of a paused one: %v", err)
	}
	w.do("k8s.rollout_resume", values{"deployment": "app"})
	w.complete("app")
	if img := w.imageOf("app"); img != "myapp:1.4.2" {
		t.Errorf("image is %s", img)
	}
}

// A change made while the Deployment is paused has no ReplicaSet yet: what
// serves is the newest one.
func TestUndoOfATemplateThatNeverRan(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	w.do("k8s.rollout_pause", values{"deployment": "app"})
	w.rollout("app", "myapp:1.5.0-errors")
	w.settled("app")
	out := w.do("k8s.rollout_undo", values{"deployment": "app"})
	if out["image"] != "myapp:1.4.2" || out["from_hash"] != "" {
		t.Errorf("undo: %v", out)
	}
	if out := w.do("k8s.rollout_undo", values{"deployment": "app"}); out["changed"] != false {
		t.Errorf("second undo: %v", out)
	}
}

func TestUndoWithoutHistory(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	_, err := w.prepare("k8s.rollout_undo", values{"deployment": "app"})
	wantKind(t, err, actions.KindRefused, "no earlier revision")
	_, err = w.prepare("k8s.rollout_undo", values{"deployment": "ap"})
	wantKind(t, err, actions.KindInvalid, `no deployment "ap"`, `did you mean "app"?`)
	_, err = w.prepare("k8s.rollout_undo", values{"deployment": "app", "image": "myapp:0"})
	wantKind(t, err, actions.KindInvalid, `no image "myapp:0"`, "revision 1 (myapp:1.4.2), 1 ready pods, runs now")
}

func TestUndoNeedsItsConfigMaps(t *testing.T) {
	w := newWorld(t)
	core := w.typed.CoreV1().ConfigMaps(w.cl.Namespace)
	if _, err := core.Create(w.ctx(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.deploy("app", "myapp:1.4.2", 0, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{
			ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
	})
	w.eventually("a first ReplicaSet", func() bool {
		sets, _, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
		return err == nil && len(sets) == 1
	})
	w.markGood("app")
	w.patch(deployments, "app", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:1.5.0-errors","envFrom":null}]}}}}`)
	w.eventually("a second ReplicaSet", func() bool {
		sets, _, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
		return err == nil && len(sets) == 2
	})
	if err := core.Delete(w.ctx(), "settings", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := w.prepare("k8s.rollout_undo", values{"deployment": "app"})
	wantKind(t, err, actions.KindRefused, "configmap/settings")
}
