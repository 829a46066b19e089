package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
)

// fields gives what an object holds, without what is of this one object only.
func (w *world) fields(k kind, name string) map[string]any {
	w.t.Helper()
	return captured(k, w.object(k, name))
}

// An object is made, changed, put back as it was and deleted, and each undo is
// undone: what was there before a step is there after its undo, field by field.
func TestApplyMakesChangesAndGoesBack(t *testing.T) {
	for name, m := range manifests() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first := w.must("k8s.apply", asManifest(m.first))
			told := first.preview()
			hasChange(t, told, m.says)
			if told.Label != actions.Exact || !w.gone(m.kind, "x") || first.probe() != actions.NotApplied {
				t.Fatalf("before: %s, gone %v, probe %s", told.Label, w.gone(m.kind, "x"), first.probe())
			}
			out := first.mustRun()
			made := w.fields(m.kind, "x")
			if out["created"] != true || out["uid"] != string(w.object(m.kind, "x").GetUID()) || first.probe() != actions.Applied || len(first.differs()) > 0 {
				t.Fatalf("made: %v, probe %s, differs %v", out, first.probe(), first.differs())
			}

			then := w.must("k8s.apply", asManifest(m.then))
			hasChange(t, then.preview(), m.exists)
			changed := then.mustRun()
			after := w.fields(m.kind, "x")
			if changed["created"] != false || changed["changed"] != true || then.probe() != actions.Applied || len(then.differs()) > 0 {
				t.Errorf("changed: %v, probe %s, differs %v", changed, then.probe(), then.differs())
			}
			if again := w.do("k8s.apply", asManifest(m.then)); again["changed"] != false {
				t.Errorf("a second time: %v", again)
			}

			back, backOut := then.undone(changed)
			w.holds("after the undo of the change", m.kind, made)
			back.undone(backOut)
			w.holds("after the undo of that undo", m.kind, after)

			removal, removed := first.undone(out)
			if !w.gone(m.kind, "x") || removal.a.Spec.Name != "k8s.delete" || removed["deleted"] != true || removal.probe() != actions.Applied {
				t.Fatalf("after the undo of the making: %v, probe %s", removed, removal.probe())
			}
			remade, remadeOut := removal.undone(removed)
			w.holds("after the undo of the deletion", m.kind, after)
			if remadeOut["uid"] == out["uid"] {
				t.Error("it has the UID of before")
			}
			remade.undone(remadeOut)
			if !w.gone(m.kind, "x") {
				t.Error("it is there after the undo of the undo of the deletion")
			}
		})
	}
}

// holds compares the object x.
func (w *world) holds(when string, k kind, want map[string]any) {
	w.t.Helper()
	got := &object{Object: w.fields(k, "x")}
	if left := byUs(difference(&object{Object: want}, got)); len(left) > 0 {
		w.t.Errorf("%s: %+v", when, left)
	}
}

// byUs drops what the controllers of Deployments and of autoscalers write as
// annotations; the version v1 of an autoscaler has its conditions among them.
func byUs(changes []actions.FieldChange) []actions.FieldChange {
	var out []actions.FieldChange
	for _, ch := range withoutRevision(changes) {
		if !strings.HasPrefix(ch.Path, "metadata.annotations[autoscaling.alpha.kubernetes.io/") {
			out = append(out, ch)
		}
	}
	return out
}

// What is written is what was previewed, to the field, and the receipt.
func TestApplyPreviewIsWhatRunDoes(t *testing.T) {
	for name, m := range manifests() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.do("k8s.apply", asManifest(m.first))
			if m.kind.is(deployments) {
				w.settled("x")
			}
			before := w.object(m.kind, "x")
			p := w.must("k8s.apply", asManifest(m.then))
			told := p.preview()
			if left := byUs(difference(before, w.object(m.kind, "x"))); len(left) > 0 {
				t.Errorf("preview changed the object: %+v", left)
			}
			p.mustRun()
			got := w.object(m.kind, "x")
			if diff := cmp.Diff(told.Changes, byUs(difference(before, got))); diff != "" {
				t.Errorf("preview and run differ (-told +did):\n%s", diff)
			}
			if got.GetAnnotations()[receiptAnnotation] != p.c.Key {
				t.Error("receipt is missing")
			}
		})
	}
}

// What a manifest leaves out stays, lists are merged by the keys of their kind,
// and what somebody else added is not taken away by a later manifest.
func TestApplyTakesNothingAway(t *testing.T) {
	w := newWorld(t)
	w.do("k8s.apply", asManifest(manifests()["deployment"].first))
	w.patch(deployments, "x", `{"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"mesh","image":"myapp:1.4.2"}]}}}}`)
	w.do("k8s.apply", asManifest(manifests()["deployment"].then))
	d := w.mustDeployment("x")
	var images []string
	for _, c := range d.Spec.Template.Spec.Containers {
		images = append(images, c.Name+" "+c.Image)
	}
	if got := strings.Join(images, ", "); d.desired() != 1 || !strings.Contains(got, "app myapp:1.4.2") || !strings.Contains(got, "log myapp:1.5.0-slow") || !strings.Contains(got, "mesh myapp:1.4.2") {
		t.Errorf("replicas %d, containers %s", d.desired(), got)
	}
	w.do("k8s.apply", asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1", b: "1"}}`))
	w.do("k8s.apply", asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "2"}}`))
	if data := w.fields(configMaps, "x")["data"]; !same(data, map[string]any{"a": "2", "b": "1"}) {
		t.Errorf("data: %v", data)
	}
}

// Who set a field to something else keeps it, until force takes it over. That we
// set it ourselves, by a patch or an apply, is no conflict.
func TestApplyConflictOfManagers(t *testing.T) {
	w := newWorld(t)
	w.kubectl("create", "configmap", "x", "--from-literal=limit=50", "--from-literal=other=1")
	with := func(limit string, more ...any) values {
		return asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {limit: "`+limit+`", mine: a}}`, more...)
	}
	_, err := w.prepare("k8s.apply", with("10"))
	wantKind(t, err, actions.KindRefused, "configmap/x has fields that somebody else set", "data.limit by kubectl-create", "force: true")
	if _, has := w.fields(configMaps, "x")["data"].(map[string]any)["mine"]; has {
		t.Error("a part of what was refused was written")
	}
	if out := w.do("k8s.apply", with("50")); out["changed"] != true {
		t.Errorf("the same value: %v", out)
	}
	p := w.must("k8s.apply", with("10", "force", true))
	out := p.mustRun()
	w.do("k8s.apply", with("20"))
	w.do("k8s.patch", values{"kind": "configmap", "name": "x", "replace": map[string]any{"data.limit": "30"}})
	w.do("k8s.apply", with("10"))
	back, _ := p.undone(out)
	if data := w.fields(configMaps, "x")["data"]; back.a.Spec.Name != "k8s.patch" || !same(data, map[string]any{"limit": "50", "mine": "a", "other": "1"}) {
		t.Errorf("after the undo: %v", data)
	}
}

// The world of the plan is the world of the write, or nothing is written.
func TestApplyToAWorldThatMoved(t *testing.T) {
	m := manifests()["config map"]
	w := newWorld(t)
	first := w.must("k8s.apply", asManifest(m.first))
	w.kubectl("create", "configmap", "x", "--from-literal=limit=7")
	_, err := first.run()
	wantKind(t, err, actions.KindConflict, "configmap/x was made by somebody else meanwhile")
	if v := first.probe(); v != actions.Foreign {
		t.Errorf("probe: %s", v)
	}
	then := w.must("k8s.apply", asManifest(m.then, "force", true))
	w.patch(configMaps, "x", `{"data":{"limit":"8","other":"1"}}`)
	_, err = then.run()
	wantKind(t, err, actions.KindConflict, "data.limit: expected 7, found 8")
	if v := then.probe(); v != actions.Foreign {
		t.Errorf("probe: %s", v)
	}
	removal := w.must("k8s.delete", values{"kind": "configmap", "name": "x"})
	w.patch(configMaps, "x", `{"data":{"limit":"9"}}`)
	_, err = removal.run()
	wantKind(t, err, actions.KindConflict, "data.limit: expected 8, found 9")
	if v := removal.probe(); v != actions.Foreign {
		t.Errorf("probe: %s", v)
	}
	if data := w.fields(configMaps, "x")["data"]; !same(data, map[string]any{"limit": "9", "other": "1"}) {
		t.Errorf("data: %v", data)
	}
	w.delete(configMaps, "x")
	_, err = then.run()
	wantKind(t, err, actions.KindConflict, "configmap/x is gone")
}

// An object without fields is a change too, told by its name.
func TestApplyMakesAnEmptyObject(t *testing.T) {
	w := newWorld(t)
	p := w.must("k8s.apply", asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`))
	if diff := cmp.Diff([]actions.FieldChange{{Path: "metadata.name", After: "x"}}, p.preview().Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	out := p.mustRun()
	w.delete(configMaps, "x")
	if d := p.differs(); len(d) != 1 || d[0].Path != "metadata.name" || d[0].After != nil {
		t.Errorf("differs when it is gone: %+v", d)
	}
	if _, left := p.undone(out); left["deleted"] != false {
		t.Errorf("undo of what is gone: %v", left)
	}
}

// A Service does not lose its pods to an apply either.
func TestApplyKeepsEndpoints(t *testing.T) {
	w := newWorld(t)
	withTwoVersions(w, 1)
	selector := func(version string) values {
		return asManifest(`{apiVersion: v1, kind: Service, metadata: {name: app}, spec: {selector: {version: `+version+`}}}`, "force", true)
	}
	_, err := w.prepare("k8s.apply", selector("none"))
	wantKind(t, err, actions.KindRefused, "service/app would have no endpoints")
	p := w.must("k8s.apply", selector("stable"))
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "matches 1 ready pods") {
		t.Errorf("notes: %s", notes)
	}
	p.mustRun()
}
