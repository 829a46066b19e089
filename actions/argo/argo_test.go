package argo

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

func app(more ...any) map[string]any {
	with := map[string]any{"rollout": "app"}
	for i := 0; i+1 < len(more); i += 2 {
		with[more[i].(string)] = more[i+1]
	}
	return with
}

// An abort and what must follow it, with the controller's answers between.
func TestAbortAndUndo(t *testing.T) {
	w := newWorld(t)
	w.MidCanary(2, 1)
	s := w.must("argo.status", app()).mustRun()
	if s["stable_image"] != good || s["image"] != bad || s["weight"] != 25 || s["progressing"] != true || s["paused"] != true || s["restored"] != false {
		t.Fatalf("status: %v", s)
	}
	abort := w.must("argo.abort", app())
	v := abort.preview()
	if v.Label != actions.Exact || v.Summary != "aborts "+bad+", all traffic goes to "+good || len(v.Changes) != 1 || v.Changes[0].Path != "status.abort" {
		t.Errorf("preview: %+v", v)
	}
	if v := abort.probe(); v != actions.NotApplied {
		t.Errorf("probe before: %s", v)
	}
	done := make(chan error, 1)
	go func() {
		_, err := abort.a.Run(w.ctx(), abort.c, abort.in, abort.state)
		done <- err
	}()
	w.Eventually("the abort landed", func() bool { return kube.True(w.Get(), "status", "abort") })
	if v := abort.probe(); v != actions.InFlight {
		t.Errorf("probe before the controller took it: %s", v)
	}
	w.Settle()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if v := abort.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	owes, _, err := abort.a.Owes(abort.in, abort.state)
	if err != nil || len(owes) != 1 || !strings.Contains(owes[0].What, "its template is still "+bad) {
		t.Errorf("owes %+v, %v", owes, err)
	}
	if v := w.must("argo.abort", app()).preview(); v.Summary != "nothing to do: it is aborted already" {
		t.Errorf("second abort: %+v", v)
	}
	undo := w.must("argo.undo", app())
	if v := undo.preview(); v.Summary != "template of good: "+bad+" → "+good || !strings.Contains(strings.Join(v.Notes, "\n"), "skips the steps") {
		t.Errorf("preview: %+v", v)
	}
	_, settles, err := undo.a.Owes(undo.in, undo.state)
	if err != nil || len(settles) != 1 || settles[0] != owes[0].Key {
		t.Errorf("settles %v, owed %v", settles, owes)
	}
	out := undo.mustRun()
	if out["changed"] != true || imageOf(w.Get()) != good || undo.probe() != actions.Applied {
		t.Errorf("undo: %v, image %s, %s", out, imageOf(w.Get()), undo.probe())
	}
	if labels, _ := kube.At(w.Get(), "spec", "template", "metadata", "labels").(map[string]any); labels[hashLabel] != nil {
		t.Errorf("template carries the label of the controller: %v", labels)
	}
	w.Settle()
	if s := w.must("argo.status", app()).mustRun(); s["restored"] != true {
		t.Errorf("status after: %v", s)
	}
	if v := w.must("argo.undo", app()).preview(); !strings.HasPrefix(v.Summary, "nothing to do") {
		t.Errorf("second undo: %+v", v)
	}
	steps, err := undo.a.Undo(undo.in, undo.state, out)
	if err != nil || len(steps) != 1 {
		t.Fatalf("inverse: %v, %v", steps, err)
	}
	w.must(steps[0].Uses, steps[0].With).mustRun()
	if imageOf(w.Get()) != bad {
		t.Errorf("after the inverse %s", imageOf(w.Get()))
	}
}

// Each guard stands for an abort that made things worse for somebody.
func TestAbortIsRefused(t *testing.T) {
	w := newWorld(t)
	w.MidCanary(1, 1)
	_, err := w.prepare("argo.abort", app())
	wantKind(t, err, actions.KindRefused, "has 1 available pods of its stable version, and 2 are needed", "min_stable")
	if v := w.must("argo.abort", app("min_stable", 1)).preview(); len(v.Changes) != 1 {
		t.Errorf("with min_stable: %+v", v)
	}
	p := w.must("argo.abort", app("min_stable", 1))
	w.status(`"promoteFull":true`)
	_, err = p.a.Run(w.ctx(), p.c, p.in, p.state)
	wantKind(t, err, actions.KindConflict, "promoteFull")
	_, err = w.prepare("argo.abort", app("min_stable", 1))
	wantKind(t, err, actions.KindRefused, "being fully promoted", "argo.undo")
	w.status(`"promoteFull":null,"currentPodHash":"good"`)
	_, err = w.prepare("argo.abort", app("min_stable", 1))
	wantKind(t, err, actions.KindRefused, "nothing under way")
	w.status(`"currentPodHash":"bad","observedGeneration":"0"`)
	_, err = w.prepare("argo.abort", app("min_stable", 1))
	wantKind(t, err, actions.KindRefused, "has not seen the last change")
	w.status(`"observedGeneration":"1","stableRS":"gone"`)
	_, err = w.prepare("argo.abort", app("min_stable", 1))
	wantKind(t, err, actions.KindRefused, "no ReplicaSet of its stable version")
	_, err = w.prepare("argo.abort", map[string]any{"rollout": "ap"})
	wantKind(t, err, actions.KindInvalid, `did you mean "app"?`)
}

// A new version that somebody deploys while the abort waits is not what was
// aborted.
func TestAbortNoticesANewVersion(t *testing.T) {
	w := newWorld(t)
	w.MidCanary(2, 1)
	p := w.must("argo.abort", app())
	done := make(chan error, 1)
	go func() {
		_, err := p.a.Run(w.ctx(), p.c, p.in, p.state)
		done <- err
	}()
	w.Eventually("the abort landed", func() bool { return kube.True(w.Get(), "status", "abort") })
	w.status(`"currentPodHash":"newer","abort":null`)
	wantKind(t, <-done, actions.KindFailed, "went on to another version meanwhile")
	if v := p.probe(); v != actions.NotApplied && v != actions.Foreign {
		t.Errorf("probe: %s", v)
	}
	_, err := p.a.Run(w.ctx(), p.c, p.in, p.state) // what a redo after NotApplied would do
	wantKind(t, err, actions.KindConflict, "currentPodHash")
}

func TestPromoteToAStep(t *testing.T) {
	w := newWorld(t)
	w.MidCanary(2, 1)
	p := w.must("argo.promote", app("to_step", 2))
	if v := p.preview(); v.Summary != "promotes "+bad+" from step 1 to step 2 of 4" || v.Label != actions.Exact {
		t.Errorf("preview: %+v", v)
	}
	if out := p.mustRun(); out["changed"] != true || p.probe() != actions.Applied {
		t.Errorf("run: %v, %s", out, p.probe())
	}
	r := w.Get()
	if n, _ := kube.Number(r, "status", "currentStepIndex"); n != 2 || kube.At(r, "status", "pauseConditions") != nil {
		t.Errorf("status: %v", r.Object["status"])
	}
	w.Settle() // the controller goes on
	if out := p.mustRunOr(actions.KindConflict); out != nil || p.probe() != actions.Applied {
		t.Errorf("the same promotion once more: %v, %s", out, p.probe())
	}
	for name, c := range map[string]struct {
		with  map[string]any
		kind  actions.Kind
		words string
	}{
		"backwards":  {app("to_step", 1), actions.KindRefused, "not walked backwards"},
		"too far":    {app("to_step", 5), actions.KindInvalid, "no step 5"},
		"neither":    {app(), actions.KindInvalid, "exactly one of to_step and full"},
		"both":       {app("to_step", 3, "full", true), actions.KindInvalid, "exactly one of to_step and full"},
		"no rollout": {map[string]any{"rollout": "b", "full": true}, actions.KindInvalid, "no rollout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare("argo.promote", c.with)
			wantKind(t, err, c.kind, c.words)
		})
	}
	full := w.must("argo.promote", app("full", true))
	full.mustRun()
	if !kube.True(w.Get(), "status", "promoteFull") || full.probe() != actions.Applied {
		t.Errorf("full: %v, %s", w.Get().Object["status"], full.probe())
	}
	w.status(`"abort":true`)
	_, err := w.prepare("argo.promote", app("full", true))
	wantKind(t, err, actions.KindRefused, "is aborted")
	if v := full.probe(); v != actions.Foreign {
		t.Errorf("probe after an abort: %s", v)
	}
}

// mustRunOr runs a step that must fail in one way.
func (p *prepared) mustRunOr(kind actions.Kind) actions.Outputs {
	p.w.t.Helper()
	out, err := p.a.Run(p.w.ctx(), p.c, p.in, p.state)
	if err == nil {
		return out
	}
	wantKind(p.w.t, err, kind)
	return nil
}

func TestUndoByHash(t *testing.T) {
	w := newWorld(t)
	w.MidCanary(1, 1)
	w.status(`"stableRS":"bad"`) // it was promoted fully
	p := w.must("argo.undo", app("hash", "good"))
	if v := p.preview(); !strings.Contains(strings.Join(v.Notes, "\n"), "all steps and analyses run once more") {
		t.Errorf("preview: %+v", v)
	}
	_, err := w.prepare("argo.undo", app("hash", "x"))
	wantKind(t, err, actions.KindInvalid, "good ("+good+")")
	w.Patch(`{"spec":{"workloadRef":{"kind":"Deployment","name":"web"}}}`)
	_, err = w.prepare("argo.undo", app())
	wantKind(t, err, actions.KindRefused, "takes its template from web", "k8s.rollout_undo")
}
