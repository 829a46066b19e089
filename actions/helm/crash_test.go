package helm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/runbackhq/runback/actions"
)

// held is a release whose rollback is held by a hook until the test lets it go.
func held(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := newWorld(t)
	w.deploy("tag=1,gate=pre-rollback")
	w.deploy("tag=2")
	return w
}

func TestExecutorKilled(t *testing.T) {
	w := held(t)
	s := w.rollback(nil).prepare()
	if p := s.preview(); len(p.Assumes) != 1 || p.Notes[len(p.Notes)-1] != "hook pod/app-gate is run (pre-rollback); what it does cannot be previewed" {
		t.Errorf("%+v", p)
	}
	s.left()
	s.wants(actions.InFlight, actions.KindAtWork)
	if w.revision() != "3 pending-rollback" {
		t.Error(w.revision())
	}
	// Another one does not touch it, whatever it asks for.
	other := w.rollback(map[string]any{"revision": 1})
	other.c.Key = "r-other/steps/revert"
	wantsKind(t, other.tryPrepare(), actions.KindRefused, "pending-rollback at revision 3", "stuck: 3")
	w.open()
	s.settled()
	s.wants(actions.Applied, actions.KindFailed)
	if out := s.mustRun(); out["revision"] != 3 || w.revision() != "3 deployed" || w.image() != "myapp:1" {
		t.Errorf("%v, %s, %s", out, w.revision(), w.image())
	}
}

func TestHelmKilled(t *testing.T) {
	for name, killed := range map[string][]string{"helm": {"child.json"}, "all": {"supervisor.json", "child.json"}} {
		t.Run(name, func(t *testing.T) {
			w := held(t)
			s := w.rollback(nil).prepare().left()
			for _, record := range killed {
				w.kill(record)
			}
			s.settled()
			s.wants(actions.Partial, actions.KindFailed, "revision 3 of release app is pending-rollback and nobody works on it any more",
				"Not as revision 1 says: deployment/app", "helm rollback app 1 -n "+w.cl.Namespace, "never without the revision")
			if _, err := s.run(); err == nil || w.revision() != "3 pending-rollback" {
				t.Errorf("run again: %v, %s", err, w.revision())
			}
			// Decided to be done again, it goes to the same revision: the last but one
			// is what was to be rolled back.
			w.shut()
			s.prepare().left()
			w.open()
			s.settled()
			s.wants(actions.Applied, actions.KindFailed)
			if w.revision() != "4 deployed" || w.image() != "myapp:1" {
				t.Errorf("%s, %s", w.revision(), w.image())
			}
		})
	}
}

// The time of a step ends: helm is stopped, and leaves the release pending.
func TestStopped(t *testing.T) {
	w := held(t)
	s := w.rollback(nil).prepare()
	why := errors.New("the time of step revert is spent")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { w.until("the hook", w.gate); cancel(why) }()
	if _, err := s.a.Run(ctx, s.c, s.in, s.state); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	s.wants(actions.Partial, actions.KindFailed, "pending-rollback", "was stopped")
}

// A rollback that helm gives up is over: the step fails, and is not in doubt.
func TestFailed(t *testing.T) {
	t.Run("objects", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deploy("tag=none,replicas=1")
		w.deploy("tag=2")
		s := w.rollback(map[string]any{"timeout": "2s"}).prepare()
		_, err := s.run()
		wantsKind(t, err, actions.KindEnded, "rolling release app back to revision 1 failed", "The objects are as revision 1 says")
		if w.revision() != "3 failed" {
			t.Error(w.revision())
		}
		s.wants(actions.Partial, actions.KindEnded, "failed")
		// What was rolled back from is still marked as deployed: without a number it
		// would be gone back to.
		wantsKind(t, w.rollback(nil).tryPrepare(), actions.KindRefused, "itself a rollback to 1")
	})
	t.Run("hook", func(t *testing.T) {
		w := held(t)
		s := w.rollback(map[string]any{"timeout": "2s"}).prepare()
		_, err := s.run()
		wantsKind(t, err, actions.KindEnded, "pending-rollback", "exited with 1")
		s.wants(actions.Partial, actions.KindEnded, "Not as revision 1 says: deployment/app")
	})
}

// A release that a killed upgrade left pending is refused, until a person says
// that nobody works on it; then a rollback frees it.
func TestStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("tag=1")
	upgrade := w.byHand("upgrade", "app", "testdata/app", "--set", "tag=2,gate=pre-upgrade")
	if err := upgrade.Start(); err != nil {
		t.Fatal(err)
	}
	w.until("the hook", w.gate)
	if err := upgrade.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = upgrade.Wait()
	if out := w.status(); out["pending"] != true || out["status"] != "pending-upgrade" || out["previous"] != 1 {
		t.Errorf("%v", out)
	}
	wantsKind(t, w.rollback(nil).tryPrepare(), actions.KindRefused, "pending-upgrade at revision 2", "stuck: 2")
	wantsKind(t, w.rollback(map[string]any{"stuck": 1}).tryPrepare(), actions.KindRefused, "pending-upgrade")
	s := w.rollback(map[string]any{"stuck": 2}).prepare()
	s.mustRun()
	if w.revision() != "3 deployed" {
		t.Error(w.revision())
	}
	if _, err := s.a.Undo(s.in, s.state, nil); err == nil {
		t.Error("it can be undone to a revision that never was deployed")
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	wantsKind(t, w.rollback(nil).tryPrepare(), actions.KindInvalid, `no release "app"`)
	w.deploy("tag=1")
	wantsKind(t, w.rollback(nil).tryPrepare(), actions.KindRefused, "no revision before 1 was deployed")
	if out, err := w.tryDeploy("tag=2,invalid=true"); err == nil {
		t.Fatal(out)
	}
	w.deploy("tag=3")
	for name, tc := range map[string]struct {
		with map[string]any
		kind actions.Kind
		says string
	}{
		"no such revision": {map[string]any{"revision": 7}, actions.KindInvalid, "has no revision 7; there are 1 to 3"},
		"never deployed":   {map[string]any{"revision": 2}, actions.KindRefused, "revision 2 of release app is not known to have been deployed: it is failed"},
		"not stuck":        {map[string]any{"stuck": 2, "revision": 1}, actions.KindRefused, "is not the last one"},
		"another name":     {map[string]any{"release": "ap"}, actions.KindInvalid, "app"},
		"no name":          {map[string]any{"release": "--kube-token=x"}, actions.KindInvalid, "is no name of a release"},
		"no helm":          {map[string]any{"program": "/no/helm"}, actions.KindInvalid, "program cannot be run"},
		"another program":  {map[string]any{"program": "/bin/echo"}, actions.KindInvalid, "says that its version is"},
	} {
		t.Run(name, func(t *testing.T) { wantsKind(t, w.rollback(tc.with).tryPrepare(), tc.kind, tc.says) })
	}
	// The failed one between is no gap: the one before it is meant.
	if p := w.rollback(nil).prepare().preview(); p.Changes[0].After != 4 {
		t.Errorf("%+v", p)
	}
	t.Setenv("HELM_DRIVER", "configmap")
	wantsKind(t, w.rollback(nil).tryPrepare(), actions.KindRefused, "only releases that helm stores in Secrets")
}
