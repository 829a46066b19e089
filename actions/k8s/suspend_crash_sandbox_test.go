package k8s

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

// Crash verdicts: the write never arrived, its answer was lost, somebody else
// wrote.
func TestSuspendAfterACrash(t *testing.T) {
	for name, h := range holdables() {
		t.Run(name, func(t *testing.T) {
			w := newRivalWorld(t)
			with, there := h.ready(w)
			lost := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				if isWrite(r) {
					return nil, errors.New("no route to host")
				}
				return send()
			}).must("k8s.suspend", with)
			_, err := lost.run()
			wantKind(t, err, actions.KindUnreachable)
			if v := lost.probe(); v != actions.NotApplied {
				t.Errorf("probe of a write that did not land: %s", v)
			}
			there.patch(h.kind, "x", `{"metadata":{"annotations":{"runback.dev/suspended-from":"theirs"}}}`)
			if v := lost.probe(); v != actions.Foreign {
				t.Errorf("probe after somebody else wrote: %s", v)
			}
			again := *lost
			again.a = w.reg["k8s.suspend"]
			_, err = again.run()
			wantKind(t, err, actions.KindConflict, "metadata.annotations[runback.dev/suspended-from]: expected (absent), found theirs")
			landed := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				resp, err := send()
				if isWrite(r) && err == nil {
					_ = resp.Body.Close()
					return nil, errors.New("connection reset by peer")
				}
				return resp, err
			}).must("k8s.suspend", with)
			_, err = landed.run()
			wantKind(t, err, actions.KindUnreachable)
			if v := landed.probe(); v != actions.Applied {
				t.Errorf("probe of a write that landed: %s", v)
			}
			back := w.must("k8s.restore", with)
			there.delete(h.kind, "x")
			if v := back.probe(); v != actions.Foreign {
				t.Errorf("probe of an object that is gone: %s", v)
			}
			if d := back.differs(); len(d) != 1 || d[0].Path != "metadata.uid" {
				t.Errorf("differs of an object that is gone: %+v", d)
			}
			_, err = back.run()
			wantKind(t, err, actions.KindConflict, "is gone")
		})
	}
}

func TestPauseOwesAndResumeSettles(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	w.settled("app")
	with := values{"deployment": "app"}
	pause := w.must("k8s.rollout_pause", with)
	owes, _ := pause.owes()
	key := "paused deployment/" + w.cl.Namespace + "/app"
	if len(owes) != 1 || owes[0].Key != key {
		t.Errorf("owes %+v", owes)
	}
	if _, settles := w.must("k8s.rollout_resume", with).owes(); len(settles) > 0 {
		t.Errorf("resuming what is not paused settles %v", settles)
	}
	pause.mustRun()
	if owes, _ := w.must("k8s.rollout_pause", with).owes(); len(owes) > 0 {
		t.Errorf("pausing what is paused owes %v", owes)
	}
	if _, settles := w.must("k8s.rollout_resume", with).owes(); len(settles) != 1 || settles[0] != key {
		t.Errorf("settles %v", settles)
	}
}

// That a suspended autoscaler still corrects a number outside its bounds is
// what previews say, and what the real controller does.
func TestSuspendedAutoscalerKeepsItsBounds(t *testing.T) {
	w := newRivalWorld(t)
	w.deploy("app", "myapp:1.4.2", 1)
	w.settled("app")
	w.make(autoscalers, `{metadata: {name: app}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}, minReplicas: 2, maxReplicas: 3,
		behavior: {scaleUp: {selectPolicy: Disabled}, scaleDown: {selectPolicy: Disabled}}}}`)
	for range 450 { // it looks every 15 seconds
		if w.mustDeployment("app").desired() == 2 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the autoscaler did not raise the replicas to its minimum")
}
