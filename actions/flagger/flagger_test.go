package flagger

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

func weightsOf(w *world) (primary, canary int) {
	rules, _ := kube.At(w.get(routesV1, "app"), "spec", "rules").([]any)
	list, _ := rules[0].(map[string]any)["backendRefs"].([]any)
	n := map[string]int64{}
	for _, b := range list {
		m := b.(map[string]any)
		n[m["name"].(string)], _ = m["weight"].(int64)
	}
	return int(n["app-primary"]), int(n["app-canary"])
}

func TestRollback(t *testing.T) {
	w := released(t, "Progressing")
	s := w.must("flagger.status", map[string]any{"canary": "app"}).mustRun()
	if s["phase"] != "Progressing" || s["weight"] != 25 || s["image"] != bad || s["primary_image"] != good || s["same"] != false || s["failed_checks"] != 2 {
		t.Errorf("status: %v", s)
	}
	p := w.must("flagger.rollback", map[string]any{"canary": "app"})
	v := p.preview()
	var paths []string
	for _, ch := range v.Changes {
		paths = append(paths, ch.Object+" "+ch.Path)
	}
	for _, want := range []string{"canary/app spec.suspend", "httproute/app spec.rules[0].backendRefs[app-canary].weight", "deployment/app spec.template.spec.containers[app].image"} {
		if !strings.Contains(strings.Join(paths, "\n"), want) {
			t.Errorf("preview does not tell %q: %v", want, paths)
		}
	}
	if v.Label != actions.Exact || p.probe() != actions.NotApplied {
		t.Errorf("label %s, probe before %s", v.Label, p.probe())
	}
	if out := p.mustRun(); out["changed"] != true || out["image"] != good {
		t.Errorf("outputs: %v", out)
	}
	primary, canary := weightsOf(w)
	if !kube.True(w.get(canariesV1, "app"), "spec", "suspend") || primary != 100 || canary != 0 || image(w.get(deploysV1, "app")) != good {
		t.Errorf("suspended %v, weights %d and %d, target %s", w.get(canariesV1, "app").Object["spec"], primary, canary, image(w.get(deploysV1, "app")))
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	owes, _, err := p.a.Owes(p.in, p.state)
	if err != nil || len(owes) != 1 || !strings.Contains(owes[0].Instead, "skipAnalysis: true") {
		t.Errorf("owes %+v, %v", owes, err)
	}
	if out := p.mustRun(); out["changed"] != false {
		t.Errorf("once more: %v", out)
	}
}

// A run that was stopped after the first write goes on with the others.
func TestRollbackGoesOn(t *testing.T) {
	w := released(t, "Waiting")
	p := w.must("flagger.rollback", map[string]any{"canary": "app"})
	w.patch(canariesV1, "app", `{"spec":{"suspend":true}}`)
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("probe half-way: %s", v)
	}
	shares := func(primary, canary string) {
		w.patch(routesV1, "app", `{"spec":{"rules":[{"backendRefs":[{"name":"app-primary","port":80,"weight":`+primary+`},{"name":"app-canary","port":80,"weight":`+canary+`}]}]}}`)
	}
	shares("50", "50")
	if v := p.probe(); v != actions.Foreign {
		t.Errorf("probe after somebody else: %s", v)
	}
	shares("75", "25")
	p.mustRun()
	if _, canary := weightsOf(w); canary != 0 || p.probe() != actions.Applied {
		t.Errorf("canary has %d, %s", canary, p.probe())
	}
}

// What comes after the first write is no "nothing was written".
func TestRollbackHalfway(t *testing.T) {
	w := released(t, "Progressing")
	p := w.must("flagger.rollback", map[string]any{"canary": "app"})
	w.patch(routesV1, "app", `{"spec":{"rules":[{"backendRefs":[{"name":"app-canary","port":80,"weight":60},{"name":"app-primary","port":80,"weight":40}]}]}}`)
	_, err := p.a.Run(w.ctx(), p.c, p.in, p.state)
	wantKind(t, err, actions.KindEnded, "Flagger is suspended, but not all is put back")
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("somebody stopped it"))
	if err := halfway(stopped, 1, errors.New("x")); actions.KindOf(err) == actions.KindEnded {
		t.Errorf("stopped: %v", err)
	}
}

func TestRollbackIsRefused(t *testing.T) {
	w := released(t, "Promoting")
	try := func(kind actions.Kind, words ...string) {
		t.Helper()
		_, err := w.prepare("flagger.rollback", map[string]any{"canary": "app"})
		wantKind(t, err, kind, words...)
	}
	try(actions.KindRefused, "its primary is being made the new version", "k8s.rollout_undo {deployment: app-primary}")
	w.patch(canariesV1, "app", `{"status":{"phase":"Succeeded"}}`)
	try(actions.KindRefused, "nothing is under way")
	w.patch(canariesV1, "app", `{"status":{"phase":"Progressing"},"spec":{"provider":"linkerd"}}`)
	try(actions.KindRefused, "linkerd, which is not known here")
	w.patch(canariesV1, "app", `{"spec":{"provider":"kubernetes"}}`)
	w.patch(deploysV1, "app-primary", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:1.3.0"}]}}}}`)
	w.eventually("primary is ready", func() bool { return ready(w.get(deploysV1, "app-primary")) == 1 })
	try(actions.KindRefused, "no revision with the images of its primary, myapp:1.3.0")
	w.patch(deploysV1, "app-primary", `{"spec":{"replicas":0}}`)
	w.eventually("primary has none", func() bool { return ready(w.get(deploysV1, "app-primary")) == 0 })
	try(actions.KindRefused, "has 0 of 0 ready pods, and all traffic would go to it")
}
