package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
)

// changing are steps of each action that changes a Deployment.
func changing() map[string]values {
	return map[string]values{
		"k8s.scale":         {"deployment": "app", "replicas": 2, "wait": false},
		"k8s.set_image":     {"deployment": "app", "image": "myapp:1.5.0-slow"},
		"k8s.rollout_pause": {"deployment": "app"},
		"k8s.restart":       {"deployment": "app"},
		"k8s.patch": {"kind": "deployment", "name": "app", "merge": map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{"example.com/incident": "42"}},
			"spec":     map[string]any{"minReadySeconds": 1},
		}},
		"k8s.rollout_undo": {"deployment": "app"},
	}
}

// withHistory gives a Deployment app that runs 1.5.0-errors and ran 1.4.2.
func withHistory(w *world) {
	w.t.Helper()
	w.deployed("app", "myapp:1.4.2", 1)
	w.markGood("app")
	w.rollout("app", "myapp:1.5.0-errors")
	w.complete("app")
}

// markGood does what a pipeline does after its checks.
func (w *world) markGood(deployment string) {
	w.t.Helper()
	d, err := w.cl.deployment(w.ctx(), deployment)
	if err != nil {
		w.t.Fatal(err)
	}
	sets, _, err := w.cl.replicaSets(w.ctx(), d)
	if err != nil {
		w.t.Fatal(err)
	}
	w.patch(replicaSets, currentOf(d, sets).Name, `{"metadata":{"annotations":{"runback.dev/known-good":"true"}}}`)
}

func TestPreviewIsWhatRunDoes(t *testing.T) {
	for name, with := range changing() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			withHistory(w)
			before := w.object(deployments, "app")
			p := w.must(name, with)
			told := p.preview()
			if told.Label != actions.Exact || len(told.Changes) == 0 {
				t.Fatalf("preview is %+v", told)
			}
			// The status, and with it the resourceVersion, is the controller's.
			now := w.object(deployments, "app")
			if left := difference(before, now); len(left) > 0 || now.GetGeneration() != before.GetGeneration() || now.GetAnnotations()[receiptAnnotation] == p.c.Key {
				t.Errorf("preview changed the object: %+v", left)
			}
			p.mustRun()
			did := hideKey(difference(before, w.object(deployments, "app")), p.c.Key)
			if diff := cmp.Diff(told.Changes, withoutRevision(did)); diff != "" {
				t.Errorf("preview and run differ (-told +did):\n%s", diff)
			}
		})
	}
}

// withoutRevision drops what the controller did after our write.
func withoutRevision(changes []actions.FieldChange) []actions.FieldChange {
	var out []actions.FieldChange
	for _, ch := range changes {
		if ch.Path != "metadata.annotations[deployment.kubernetes.io/revision]" {
			out = append(out, ch)
		}
	}
	return out
}

func TestProbeSaysWhatHappened(t *testing.T) {
	for name, with := range changing() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			withHistory(w)
			p := w.must(name, with)
			if v := p.probe(); v != actions.NotApplied {
				t.Errorf("before: %s, want NotApplied", v)
			}
			p.mustRun()
			if v := p.probe(); v != actions.Applied {
				t.Errorf("after: %s, want Applied", v)
			}
			again := *p
			again.mustRun() // the same state once more does nothing
			if v := w.recreate("app").object(deployments, "app"); v == nil {
				t.Fatal("not made anew")
			}
			if v := p.probe(); v != actions.Foreign {
				t.Errorf("of another object of that name: %s, want Foreign", v)
			}
		})
	}
}

func (w *world) recreate(name string) *world {
	w.t.Helper()
	w.delete(deployments, name)
	w.deploy(name, "myapp:1.4.2", 1)
	return w
}

func TestRunAgainWritesNothing(t *testing.T) {
	for name, with := range changing() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			withHistory(w)
			p := w.must(name, with)
			p.mustRun()
			w.settled("app")
			before := w.object(deployments, "app")
			p.mustRun()
			if out := w.mustAs(p.c.Key, name, with).mustRun(); out["changed"] == true {
				t.Errorf("a second time: %v", out)
			}
			w.settled("app")
			if diff := cmp.Diff(before.GetGeneration(), w.object(deployments, "app").GetGeneration()); diff != "" {
				t.Errorf("generation (-before +after):\n%s", diff)
			}
		})
	}
}

func TestUndoPutsBack(t *testing.T) {
	for name, with := range changing() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if w.reg[name].Undo == nil {
				t.Skip("cannot be undone: " + w.reg[name].Spec.NoUndo)
			}
			withHistory(w)
			before := w.object(deployments, "app")
			p := w.must(name, with)
			p.undo(p.mustRun())
			w.settled("app")
			if left := withoutRevision(difference(before, w.object(deployments, "app"))); len(left) > 0 {
				t.Errorf("undo left changes: %+v", left)
			}
		})
	}
}

func TestConflictNamesTheField(t *testing.T) {
	for name, c := range map[string]struct {
		with    values
		foreign string
		says    string
	}{
		"k8s.scale":        {changing()["k8s.scale"], `{"spec":{"replicas":4}}`, "spec.replicas: expected 1, found 4"},
		"k8s.set_image":    {changing()["k8s.set_image"], `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:1.5.0-crash"}]}}}}`, "spec.template.spec.containers[app].image: expected myapp:1.5.0-errors, found myapp:1.5.0-crash"},
		"k8s.restart":      {changing()["k8s.restart"], `{"spec":{"paused":true}}`, "spec.paused: expected (absent), found true"},
		"k8s.patch":        {changing()["k8s.patch"], `{"spec":{"minReadySeconds":3}}`, "spec.minReadySeconds: expected (absent), found 3"},
		"k8s.rollout_undo": {changing()["k8s.rollout_undo"], `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":3}}}}`, "spec.template: expected"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			withHistory(w)
			p := w.must(name, c.with)
			w.patch(deployments, "app", c.foreign)
			_, err := p.run()
			wantKind(t, err, actions.KindConflict, c.says)
			// What a status update or another field does is no conflict.
			p = w.must("k8s.rollout_pause", values{"deployment": "app"})
			w.patch(deployments, "app", `{"metadata":{"annotations":{"example.com/other":"x"}}}`)
			if name != "k8s.restart" {
				p.mustRun()
			}
		})
	}
}

// A write that the API server gets after the look at the object, as when the
// request is slow, is stopped by the tests in the patch.
func TestPatchItselfCompares(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	d, err := w.cl.deployment(w.ctx(), "app")
	if err != nil {
		t.Fatal(err)
	}
	e := edit{path{"spec", "replicas"}, 1, 3}
	write := newWrite(deployments, d.obj, []edit{e})
	w.patch(deployments, "app", `{"spec":{"replicas":2}}`)
	_, err = write.send(w.ctx(), w.cl, d.obj, "run-x/step", false)
	wantKind(t, err, actions.KindConflict, "spec.replicas: expected 1, found 2")
	if n := w.mustDeployment("app").desired(); n != 2 {
		t.Errorf("replicas is %d, want 2: the write was not stopped", n)
	}
}

func (w *world) mustDeployment(name string) *deployment {
	w.t.Helper()
	d, err := w.cl.deployment(w.ctx(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) mustAs(key, name string, with values) *prepared {
	w.t.Helper()
	p, err := w.prepareAs(key, name, with)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// settled waits until the controller has seen the last change.
func (w *world) settled(name string) {
	w.t.Helper()
	w.eventually("controller has seen "+name, func() bool { return w.mustDeployment(name).current() })
}

// Others annotate what they work on, as the Deployment controller does right
// after a Deployment is made: that is no conflict.
func TestAnnotationsThatAppearAreNoConflict(t *testing.T) {
	w := newWorld(t)
	w.service("app", map[string]string{"app": "myapp"})
	before := w.object(services, "app")
	if before.GetAnnotations() != nil {
		t.Fatal("service has annotations already")
	}
	write := newWrite(services, before, []edit{{path{"spec", "sessionAffinity"}, "None", "ClientIP"}})
	w.patch(services, "app", `{"metadata":{"annotations":{"example.com/a":"1"}}}`)
	if _, err := write.send(w.ctx(), w.cl, before, "run-x/step", false); err != nil {
		t.Fatal(err)
	}
	if a := w.object(services, "app").GetAnnotations(); a["example.com/a"] != "1" || a[receiptAnnotation] != "run-x/step" {
		t.Errorf("annotations: %v", a)
	}
}
