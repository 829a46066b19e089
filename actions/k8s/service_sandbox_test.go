package k8s

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

// withTwoVersions gives a Service that leads to canary, whose stable sibling
// has the given number of pods.
func withTwoVersions(w *world, stable int32) {
	w.t.Helper()
	w.deploy("stable", "myapp:1.4.2", stable)
	w.deployed("canary", "myapp:1.5.0-errors", 2)
	if stable > 0 {
		w.complete("stable")
	}
	w.service("app", map[string]string{"app": "myapp", "version": "canary"})
	w.eventually("the endpoints are there", func() bool {
		return w.do("k8s.endpoints", values{"service": "app"})["ready"] == 2
	})
}

func toStable() values {
	return values{"kind": "service", "name": "app", "replace": map[string]any{
		"spec.selector": map[string]any{"app": "myapp", "version": "stable"},
	}}
}

func TestSelectorSwitch(t *testing.T) {
	w := newWorld(t)
	withTwoVersions(w, 1)
	p := w.must("k8s.patch", toStable())
	told := p.preview()
	if len(told.Changes) != 1 || told.Changes[0].Path != "spec.selector.version" || !strings.Contains(strings.Join(told.Notes, "\n"), "matches 1 ready pods") {
		t.Errorf("preview: %+v", told)
	}
	out := p.mustRun()
	after := w.do("k8s.endpoints", values{"service": "app", "candidate": map[string]any{"version": "canary"}})
	if after["ready"] != 1 || len(after["pods"].([]any)) != 1 || after["by_version"].(map[string]any)["stable"] != 1 {
		t.Errorf("endpoints after the switch: %v", after)
	}
	if after["images"].(map[string]any)["myapp:1.4.2"] != 1 || after["candidate_ready"] != 2 || after["candidate_total"] != 2 {
		t.Errorf("endpoints after the switch: %v", after)
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	p.undo(out)
	if back := w.do("k8s.endpoints", values{"service": "app"}); back["ready"] != 2 || back["by_version"].(map[string]any)["canary"] != 2 {
		t.Errorf("endpoints after the undo: %v", back)
	}
}

func TestSelectorOfNobodyIsRefused(t *testing.T) {
	w := newWorld(t)
	withTwoVersions(w, 0)
	_, err := w.prepare("k8s.patch", toStable())
	wantKind(t, err, actions.KindRefused, "would have no endpoints", "version=stable")
	_, err = w.prepare("k8s.patch", values{"kind": "service", "name": "app", "replace": map[string]any{"spec.selector": map[string]any{}}})
	wantKind(t, err, actions.KindRefused, "no selector")
}

// The pods may go between the preview and the run.
func TestSelectorIsCheckedAgainBeforeTheWrite(t *testing.T) {
	w := newWorld(t)
	withTwoVersions(w, 1)
	p := w.must("k8s.patch", toStable())
	w.do("k8s.scale", values{"deployment": "stable", "replicas": 0})
	_, err := p.run()
	wantKind(t, err, actions.KindRefused, "would have no endpoints")
	if out := w.do("k8s.endpoints", values{"service": "app"}); out["ready"] != 2 {
		t.Errorf("endpoints: %v", out)
	}
}

func TestEndpointsOfNoService(t *testing.T) {
	w := newWorld(t)
	if out := w.do("k8s.endpoints", values{"service": "nobody"}); out["exists"] != false || out["candidate_ready"] != nil {
		t.Errorf("endpoints: %v", out)
	}
}

func TestPatchForms(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	w.settled("app")
	cpu := values{"kind": "deploy", "name": "app", "merge": map[string]any{"spec": map[string]any{"strategy": map[string]any{"rollingUpdate": map[string]any{"maxSurge": 2}}}}}
	if p := w.must("k8s.patch", cpu).preview(); p.Summary != "spec.strategy.rollingUpdate.maxSurge 1 → 2" {
		t.Errorf("merge: %+v", p)
	}
	quantity := values{"kind": "deployments.apps", "name": "app", "replace": map[string]any{
		"spec.template.spec.containers[app].resources": map[string]any{"requests": map[string]any{"cpu": "0.5"}}}}
	p := w.must("k8s.patch", quantity)
	out := p.mustRun()
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe of a quantity that is stored in another form: %s", v)
	}
	if again := w.must("k8s.patch", quantity); len(again.preview().Changes) != 0 {
		t.Errorf("the same quantity again: %+v", again.preview())
	}
	p.undo(out)
	if r := lookup(w.object(deployments, "app").Object, path{"spec", "template", "spec", "containers", "0", "resources", "requests"}); r != nil {
		t.Errorf("requests after undo: %v", r)
	}
	json := values{"kind": "deployment", "name": "app", "json": []any{
		map[string]any{"op": "test", "path": "/spec/replicas", "value": 0},
		map[string]any{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "hello <b>"},
		map[string]any{"op": "add", "path": "/metadata/labels/tier", "value": "web"},
	}}
	p = w.must("k8s.patch", json)
	told := p.preview()
	if len(told.Changes) != 2 || told.Changes[1].Path != "spec.template.spec.containers[app].env[GREETING].value" {
		t.Errorf("json: %+v", told)
	}
	out = p.mustRun()
	w.patch(deployments, "app", `{"metadata":{"labels":{"tier":"db"}}}`)
	steps, err := p.a.Undo(p.in, p.state, out)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.prepare(steps[0].Uses, steps[0].With)
	wantKind(t, err, actions.KindRefused, "metadata.labels.tier is db, not web")
}

func TestPatchRefusesWhatItShouldNot(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	for name, c := range map[string]struct {
		with values
		kind actions.Kind
		says string
	}{
		"no form":        {values{"kind": "deployment", "name": "app"}, actions.KindInvalid, "0 of the forms"},
		"two forms":      {values{"kind": "deployment", "name": "app", "merge": map[string]any{}, "json": []any{}}, actions.KindInvalid, "2 of the forms"},
		"unknown field":  {values{"kind": "deployment", "name": "app", "merge": map[string]any{"spec": map[string]any{"replica": 3}}}, actions.KindInvalid, `unknown field "spec.replica"`},
		"wrong type":     {values{"kind": "deployment", "name": "app", "merge": map[string]any{"spec": map[string]any{"replicas": "three"}}}, actions.KindInvalid, "replicas"},
		"invalid value":  {values{"kind": "deployment", "name": "app", "merge": map[string]any{"spec": map[string]any{"replicas": -1}}}, actions.KindInvalid, "spec.replicas"},
		"secret":         {values{"kind": "secret", "name": "app", "merge": map[string]any{}}, actions.KindInvalid, "secrets are not patched"},
		"cluster scoped": {values{"kind": "node", "name": "app", "merge": map[string]any{}}, actions.KindInvalid, "belongs to the whole cluster"},
		"no such kind":   {values{"kind": "deplo", "name": "app", "merge": map[string]any{}}, actions.KindInvalid, "deplo"},
		"status":         {values{"kind": "deployment", "name": "app", "merge": map[string]any{"status": map[string]any{"replicas": 3}}}, actions.KindInvalid, "status"},
		"no such item":   {values{"kind": "deployment", "name": "app", "replace": map[string]any{"spec.template.spec.containers[web].image": "x:1"}}, actions.KindInvalid, `no item "web"`},
		"test fails":     {values{"kind": "deployment", "name": "app", "json": []any{map[string]any{"op": "test", "path": "/spec/replicas", "value": 7}}}, actions.KindRefused, "spec.replicas is 0, not 7"},
	} {
		_, err := w.prepare("k8s.patch", c.with)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if actions.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s: %v", name, actions.KindOf(err), err)
		}
	}
}
