package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
)

// holdable are controllers that can be held, with the fields that hold them.
type holdable struct {
	in    string
	kind  kind
	yaml  string
	away  bool // in another namespace
	held  string
	until string
}

func holdables() map[string]holdable {
	const hpa = `{metadata: {name: x}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}, maxReplicas: 3`
	return map[string]holdable{
		"argocd": {"argocd", applications, `{metadata: {name: x, namespace: gitops-NS}, spec: {syncPolicy: {automated: {prune: true, selfHeal: true}}}}`, true,
			"spec.syncPolicy.automated.enabled=false", "Git says the same"},
		"argocd enabled":     {"argocd", applications, `{metadata: {name: x}, spec: {syncPolicy: {automated: {enabled: true}}}}`, false, "spec.syncPolicy.automated.enabled=false", "Git says the same"},
		"flux-kustomization": {"flux-kustomization", kustomizations, `{metadata: {name: x, namespace: gitops-NS}, spec: {interval: 10m}}`, true, "spec.suspend=true", "Git says the same"},
		"flux-helmrelease":   {"flux-helmrelease", helmReleases, `{metadata: {name: x}, spec: {suspend: false}}`, false, "spec.suspend=true", "Git says the same"},
		"flagger":            {"flagger", canaries, `{metadata: {name: x, annotations: {a: b}}, spec: {provider: none}}`, false, "spec.suspend=true", "the bad one"},
		"keda":               {"keda", scaledObjects, `{metadata: {name: x}, spec: {}}`, false, `metadata.annotations[autoscaling.keda.sh/paused]=true`, "number of pods"},
		"keda false":         {"keda", scaledObjects, `{metadata: {name: x, annotations: {autoscaling.keda.sh/paused: "false"}}, spec: {}}`, false, `metadata.annotations[autoscaling.keda.sh/paused]=true`, "number of pods"},
		"hpa":                {"hpa", autoscalers, hpa + "}}", false, "spec.behavior.scaleUp.selectPolicy=Disabled spec.behavior.scaleDown.selectPolicy=Disabled", "number of pods"},
		"hpa with behaviour": {"hpa", autoscalers, hpa + ", behavior: {scaleDown: {selectPolicy: Min, stabilizationWindowSeconds: 60}}}}", false,
			"spec.behavior.scaleUp.selectPolicy=Disabled spec.behavior.scaleDown.selectPolicy=Disabled", "number of pods"},
	}
}

// ready makes the object and gives the inputs that name it.
func (h holdable) ready(w *world) (with values, there *world) {
	w.t.Helper()
	with, there = values{"kind": h.in, "name": "x"}, w
	if h.away {
		w.another("gitops-" + w.cl.Namespace)
		with["namespace"] = "gitops-" + w.cl.Namespace
		there = &world{t: w.t, cl: w.cl.at("gitops-" + w.cl.Namespace), reg: w.reg}
	}
	w.make(h.kind, h.yaml)
	return with, there
}

func (h holdable) isHeld(t *testing.T, obj *object) bool {
	t.Helper()
	for f := range strings.FieldsSeq(h.held) {
		at, want, _ := strings.Cut(f, "=")
		p, err := parseDotted(at)
		if err != nil {
			t.Fatal(err)
		}
		if short(lookup(obj.Object, p)) != want {
			return false
		}
	}
	return true
}

func (p *prepared) owes() ([]actions.Obligation, []string) {
	p.w.t.Helper()
	owes, settles, err := p.a.Owes(p.in, p.state)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return owes, settles
}

func TestSuspendAndRestore(t *testing.T) {
	for name, h := range holdables() {
		t.Run(name, func(t *testing.T) {
			w := newRivalWorld(t)
			with, there := h.ready(w)
			before := there.object(h.kind, "x")

			p := w.must("k8s.suspend", with)
			told := p.preview()
			if told.Label != actions.Exact || !strings.Contains(told.Summary, "is suspended") || !strings.Contains(strings.Join(told.Notes, "\n"), "k8s.restore") {
				t.Errorf("preview: %+v", told)
			}
			if v := p.probe(); v != actions.NotApplied {
				t.Errorf("probe before: %s", v)
			}
			out := p.mustRun()
			after := there.object(h.kind, "x")
			if out["changed"] != true || !h.isHeld(t, after) || after.GetAnnotations()[receiptAnnotation] != p.c.Key {
				t.Errorf("outputs %v, object %v", out, after.Object)
			}
			if diff := cmp.Diff(told.Changes, hideKey(difference(before, after), p.c.Key)); diff != "" {
				t.Errorf("preview and run differ (-told +did):\n%s", diff)
			}
			if v, d := p.probe(), p.differs(); v != actions.Applied || len(d) > 0 {
				t.Errorf("probe after: %s, differs: %+v", v, d)
			}
			owes, _ := p.owes()
			key := "suspended " + h.kind.group() + "/" + there.cl.Namespace + "/x"
			if len(owes) != 1 || owes[0].Key != key || !strings.Contains(owes[0].Until, h.until) {
				t.Errorf("owes %+v, want key %s", owes, key)
			}
			if line := p.a.Told(out); !strings.HasSuffix(line, "is suspended") || strings.Contains(line, "\n") {
				t.Errorf("told: %s", line)
			}

			again := w.must("k8s.suspend", with)
			if owes, _ := again.owes(); len(owes) > 0 || len(again.preview().Changes) > 0 || again.mustRun()["changed"] != false {
				t.Errorf("suspending what is suspended: %+v", again.preview())
			}

			back := w.must("k8s.restore", with)
			if _, settles := back.owes(); len(settles) != 1 || settles[0] != key {
				t.Errorf("settles %v", settles)
			}
			if v := back.probe(); v != actions.NotApplied {
				t.Errorf("probe before restoring: %s", v)
			}
			back.preview()
			undone := back.mustRun()
			if left := difference(before, there.object(h.kind, "x")); len(left) > 0 {
				t.Errorf("restoring left %+v", left)
			}
			if v, d := back.probe(), back.differs(); v != actions.Applied || len(d) > 0 {
				t.Errorf("probe after restoring: %s, differs: %+v", v, d)
			}
			if out := w.mustAs(back.c.Key, "k8s.restore", with).mustRun(); out["changed"] != false {
				t.Errorf("the same step again: %v", out)
			}
			_, err := w.prepare("k8s.restore", with)
			wantKind(t, err, actions.KindRefused, "it has no annotation runback.dev/suspended-from", "nothing to restore")

			// The inverse of each is the other.
			back.undo(undone)
			if !h.isHeld(t, there.object(h.kind, "x")) {
				t.Error("undo of restore does not suspend")
			}
			p.undo(out)
			if left := difference(before, there.object(h.kind, "x")); len(left) > 0 {
				t.Errorf("undo of suspend left %+v", left)
			}
		})
	}
}
