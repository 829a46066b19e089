package k8s

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/actions"
)

func (w *world) podsLeft(name string) int {
	w.t.Helper()
	_, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return count(pods, func(*corev1.Pod) bool { return true })
}

func TestScale(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	up := w.must("k8s.scale", values{"deployment": "app", "replicas": 3})
	if p := up.preview(); p.Summary != "replicas 1 → 3" {
		t.Errorf("preview: %+v", p)
	}
	if out := up.mustRun(); out["ready"] != 3 || out["previous"] != 1 {
		t.Errorf("up: %v", out)
	}
	down := w.must("k8s.scale", values{"deployment": "app", "replicas": 0})
	if notes := strings.Join(down.preview().Notes, "\n"); !strings.Contains(notes, "3 of 3 pods end, each within 10s") {
		t.Errorf("notes: %s", notes)
	}
	down.mustRun()
	if n := w.podsLeft("app"); n != 0 {
		t.Errorf("scaled to 0, and %d pods are left", n)
	}
	same := w.must("k8s.scale", values{"deployment": "app", "replicas": 0})
	if p := same.preview(); p.Summary != "nothing to do: replicas is 0" || len(p.Changes) > 0 {
		t.Errorf("preview of the same number: %+v", p)
	}
	_, err := w.prepare("k8s.scale", values{"deployment": "app", "replicas": 2, "from": 1})
	wantKind(t, err, actions.KindRefused, "set to 0 replicas, not to 1")
}

func TestScaleEndsWhenSomeoneElseScales(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.5.0-unready", 1)
	p := w.must("k8s.scale", values{"deployment": "app", "replicas": 2})
	failed := make(chan error, 1)
	go func() {
		_, err := p.run()
		failed <- err
	}()
	w.eventually("the write landed", func() bool { return w.mustDeployment("app").desired() == 2 })
	if v := p.probe(); v != actions.InFlight {
		t.Errorf("probe while pods are missing: %s, want InFlight", v)
	}
	w.patch(deployments, "app", `{"spec":{"replicas":5}}`)
	wantKind(t, <-failed, actions.KindFailed, "was set to 5 by someone else")
	if v := p.probe(); v != actions.Foreign {
		t.Errorf("probe: %s, want Foreign", v)
	}
}

func TestWaitIsNeverVacuous(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	w.settled("app")
	for _, until := range []string{"ready", "complete"} {
		p := w.must("k8s.wait", values{"name": "app", "until": until})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("budget of 3s is spent"))
		defer cancel()
		began := time.Now()
		_, err := p.a.Run(ctx, p.c, p.in, p.state)
		if err == nil || !strings.Contains(err.Error(), "0 replicas are wanted") || !strings.Contains(err.Error(), "budget of 3s is spent") {
			t.Errorf("%s at 0 replicas: %v", until, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("ended %s after its context", took-3*time.Second)
		}
	}
	if p := w.must("k8s.wait", values{"name": "app", "until": "present"}).mustRun(); p["uid"] == "" {
		t.Errorf("present: %v", p)
	}
	w.do("k8s.wait", values{"name": "nobody", "until": "absent", "kind": "service"})
	_, err := w.prepare("k8s.wait", values{"name": "apq", "until": "ready"})
	wantKind(t, err, actions.KindInvalid, `did you mean "app"?`)
}

func TestWaitForTheEndOfOneObject(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	absent := w.must("k8s.wait", values{"name": "app", "until": "absent"})
	ready := w.must("k8s.wait", values{"name": "app", "until": "ready"})
	w.recreate("app")
	absent.mustRun() // the new one is another object
	_, err := ready.run()
	wantKind(t, err, actions.KindFailed, "deleted and made anew")
}
