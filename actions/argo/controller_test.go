//go:build argorollouts

// The controller takes long to build, so that it is only asked for by
// make test-argo; the other tests play its part and check what it is sent.

package argo

import (
	"fmt"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

func (w *world) is(what string, want map[string]any) {
	w.t.Helper()
	var last actions.Outputs
	defer func() {
		if w.t.Failed() {
			w.t.Logf("last seen: %v", last)
		}
	}()
	w.Eventually(what, func() bool {
		last = w.must("argo.status", app()).mustRun()
		for k, v := range want {
			if fmt.Sprint(last[k]) != fmt.Sprint(v) {
				return false
			}
		}
		return true
	})
}

// The whole way with the real controller: what the other tests play, it does.
func TestWithTheRealController(t *testing.T) {
	w := newWorld(t)
	w.Real(sandbox())
	w.Create(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  strategy: {canary: {maxSurge: 1, maxUnavailable: 0, steps: [{setWeight: 50}, {pause: {}}, {setWeight: 75}, {pause: {}}]}}
  template:
    metadata: {labels: {app: app}}
    spec: {terminationGracePeriodSeconds: 5, containers: [{name: app, image: "` + good + `"}]}
`)
	w.is("the first version is stable", map[string]any{"phase": "Healthy", "restored": true, "stable_ready": 2})
	_, err := w.prepare("argo.abort", app())
	wantKind(t, err, actions.KindRefused, "nothing under way")
	stable := kube.Text(w.Get(), "status", "stableRS")

	w.Deploy(bad)
	w.is("the canary pauses", map[string]any{"phase": "Paused", "step": 1, "image": bad, "stable_image": good, "progressing": true, "restored": false})
	abort := w.must("argo.abort", app())
	abort.mustRun()
	if v := abort.probe(); v != actions.Applied {
		t.Errorf("probe of the abort: %s", v)
	}
	w.is("it is aborted", map[string]any{"phase": "Degraded", "aborted": true, "stable_ready": 2, "image": bad, "restored": false})
	undo := w.must("argo.undo", app())
	if out := undo.mustRun(); out["changed"] != true || out["hash"] != stable || undo.probe() != actions.Applied {
		t.Errorf("undo: %v, %s", out, undo.probe())
	}
	w.is("it is restored", map[string]any{"phase": "Healthy", "restored": true, "aborted": false, "stable_hash": stable, "image": good})
	if v := w.must("argo.undo", app()).preview(); len(v.Changes) > 0 {
		t.Errorf("second undo: %+v", v)
	}

	w.Deploy("myapp:1.4.3")
	w.is("the canary pauses again", map[string]any{"phase": "Paused", "step": 1})
	promote := w.must("argo.promote", app("to_step", 3))
	promote.mustRun()
	w.is("it is at the second pause", map[string]any{"phase": "Paused", "step": 3})
	if v := promote.probe(); v != actions.Applied {
		t.Errorf("probe of the promotion: %s", v)
	}
	w.must("argo.promote", app("full", true)).mustRun()
	w.is("it is promoted", map[string]any{"phase": "Healthy", "stable_image": "myapp:1.4.3", "restored": true})
	w.must("argo.undo", app("hash", stable)).mustRun()
	w.is("the way back runs its steps", map[string]any{"phase": "Paused", "image": good, "step": 1})
}
