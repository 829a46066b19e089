package k8s

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

// What an object owns goes before it, so when it is gone all of it is.
func TestDeleteTakesWhatItOwns(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	p := w.must("k8s.delete", values{"kind": "deployment", "name": "app"})
	told := p.preview()
	if notes := strings.Join(told.Notes, "\n"); told.Label != actions.Predicted || !strings.Contains(notes, "2 pods end with it") {
		t.Errorf("preview: %+v", told)
	}
	hasChange(t, told, fmt.Sprintf("uid %s → <nil>", w.object(deployments, "app").GetUID()))
	hasChange(t, told, "spec.replicas 2 → <nil>")
	if w.object(deployments, "app").GetDeletionTimestamp() != nil || len(w.uids(ofApp)) != 2 {
		t.Fatal("the preview deleted it")
	}
	out := p.mustRun()
	if n := len(w.uids(ofApp)); !w.gone(deployments, "app") || n != 0 || out["deleted"] != true {
		t.Errorf("outputs %v, %d pods are left", out, n)
	}
	p.undone(out)
	w.complete("app")
	if d := w.mustDeployment("app"); d.desired() != 2 || w.imageOf("app") != "myapp:1.4.2" {
		t.Errorf("made again: %d replicas of %s", d.desired(), w.imageOf("app"))
	}
	if d := p.differs(); len(d) != 1 || d[0].Path != "uid" {
		t.Errorf("differs when there is one again: %+v", d)
	}
}

// An object that a finalizer holds is ending, and not gone.
func TestDeleteWaitsForFinalizers(t *testing.T) {
	w := newWorld(t)
	w.make(configMaps, `{metadata: {name: x, finalizers: [example.com/evidence]}}`)
	let := func() error { return w.patchLoosely(configMaps, "x", `{"metadata":{"finalizers":null}}`) }
	t.Cleanup(func() { _ = let() })
	p := w.must("k8s.delete", values{"kind": "configmap", "name": "x"})
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "example.com/evidence") {
		t.Errorf("notes: %s", notes)
	}
	wantKind(t, p.runFor(2*time.Second), actions.KindFailed, "configmap/x is ending, held by example.com/evidence")
	if v := p.probe(); v != actions.InFlight {
		t.Errorf("probe: %s", v)
	}
	_, err := w.prepare("k8s.apply", asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: b}}`))
	wantKind(t, err, actions.KindRefused, "configmap/x is being deleted")
	if err := let(); err != nil {
		t.Fatal(err)
	}
	if out := p.mustRun(); out["uid"] == "" || p.probe() != actions.Applied {
		t.Errorf("outputs %v, probe %s", out, p.probe())
	}
}

// A deletion is of one object: of one that was made anew since nothing is lost.
func TestDeleteKnowsItsObject(t *testing.T) {
	w := newWorld(t)
	make := func() string {
		w.make(configMaps, `{metadata: {name: x}, data: {a: b}}`)
		return w.last
	}
	first := make()
	p := w.must("k8s.delete", values{"kind": "configmap", "name": "x"})
	w.delete(configMaps, "x")
	second := make()
	if out := p.mustRun(); out["deleted"] != false {
		t.Errorf("outputs: %v", out)
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	if uid := string(w.object(configMaps, "x").GetUID()); uid != second {
		t.Errorf("uid is %s, want %s", uid, second)
	}
	_, err := w.prepare("k8s.delete", values{"kind": "configmap", "name": "x", "uid": first})
	wantKind(t, err, actions.KindRefused, "configmap/x was made anew")
	w.do("k8s.delete", values{"kind": "configmap", "name": "x", "uid": second})
	for _, more := range []values{{"uid": second}, {"allow_none": true}} {
		more["kind"], more["name"] = "configmap", "x"
		none := w.must("k8s.delete", more)
		if out := none.mustRun(); out["deleted"] != false || !strings.HasPrefix(none.preview().Summary, "nothing to do") || none.probe() != actions.Applied {
			t.Errorf("%v: %v", more, out)
		}
	}
}

func TestDeleteRefuses(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	w.make(claims, `{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`)
	w.do("k8s.apply", asManifest(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, serviceName: db, persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete},
		selector: {matchLabels: {a: db}}, template: {metadata: {labels: {a: db}}, spec: {containers: [{name: app, image: "myapp:1.4.2"}]}}}}`))
	for name, c := range map[string]struct {
		with  values
		kind  actions.Kind
		words []string
	}{
		"a secret":          {values{"kind": "secret", "name": "x"}, actions.KindInvalid, []string{"secrets are not deleted"}},
		"the whole cluster": {values{"kind": "namespace", "name": "default"}, actions.KindInvalid, []string{"belongs to the whole cluster"}},
		"a pod":             {values{"kind": "pod", "name": w.podsWith(ofApp)[0].Name}, actions.KindRefused, []string{"has a controller", "k8s.delete_pods"}},
		"a claim":           {values{"kind": "pvc", "name": "data"}, actions.KindRefused, []string{"its data goes", "delete_claims: true"}},
		"claims with it":    {values{"kind": "statefulset", "name": "db"}, actions.KindRefused, []string{"deletes its volume claims", "whenDeleted to Retain"}},
		"nothing":           {values{"kind": "deployment", "name": "ap"}, actions.KindInvalid, []string{`did you mean "app"?`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare("k8s.delete", c.with)
			wantKind(t, err, c.kind, c.words...)
		})
	}
	if out := w.do("k8s.delete", values{"kind": "statefulset", "name": "db", "delete_claims": true}); out["deleted"] != true {
		t.Errorf("outputs: %v", out)
	}
}

// Jobs and pods get fields from the API server that it would not take again.
func TestDeleteKeepsAManifestThatWorks(t *testing.T) {
	for k, text := range map[kind]string{
		jobs:    `{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: app, image: "myapp:1.4.2"}]}}}}`,
		podKind: `{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {terminationGracePeriodSeconds: 1, containers: [{name: app, image: "myapp:1.4.2"}]}}`,
	} {
		t.Run(k.Name, func(t *testing.T) {
			w := newWorld(t)
			p := w.must("k8s.apply", asManifest(text))
			if again := w.must("k8s.apply", asManifest(text)); len(hideKey(p.preview().Changes, "")) != len(again.preview().Changes) {
				t.Error("two previews differ")
			}
			out := p.mustRun()
			if d := p.differs(); len(d) > 0 {
				t.Errorf("differs right after it: %+v", d)
			}
			removal, removed := p.undone(out)
			if _, made := removal.undone(removed); made["created"] != true || made["uid"] == out["uid"] {
				t.Errorf("made again: %v", made)
			}
		})
	}
}
