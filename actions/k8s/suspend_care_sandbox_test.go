package k8s

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

func TestSuspendLeavesAlone(t *testing.T) {
	const owned = `ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, name: set, uid: UID, controller: true}]`
	const app = `{metadata: {name: x, ` + owned + `}, spec: {syncPolicy: {automated: {}}}}`
	for name, c := range map[string]struct {
		kind    string
		rivals  []rival
		refused string // words of the refusal, or
		done    string // why there is nothing to do
	}{
		"argocd not automated":   {"argocd", []rival{{applications, `{metadata: {name: x}, spec: {syncPolicy: {}}}`}}, "", "does not sync by itself"},
		"argocd switched off":    {"argocd", []rival{{applications, `{metadata: {name: x}, spec: {syncPolicy: {automated: {enabled: false}}}}`}}, "", "has its automated sync switched off"},
		"argocd not reconciled":  {"argocd", []rival{{applications, `{metadata: {name: x, annotations: {argocd.argoproj.io/skip-reconcile: "true"}}, spec: {syncPolicy: {automated: {}}}}`}}, "", "is not reconciled"},
		"flux suspended":         {"flux-kustomization", []rival{{kustomizations, `{metadata: {name: x}, spec: {suspend: true}}`}}, "", "is suspended already"},
		"keda at a number":       {"keda", []rival{{scaledObjects, `{metadata: {name: x, annotations: {autoscaling.keda.sh/paused-replicas: "2"}}}`}}, "", "is suspended already"},
		"ApplicationSet":         {"argocd", []rival{{appSets, `{metadata: {name: set}, spec: {}}`}, {applications, app}}, "would take the change back", ""},
		"ApplicationSet of one":  {"argocd", []rival{{appSets, `{metadata: {name: set}, spec: {ignoreApplicationDifferences: [{name: other, jsonPointers: [/spec/syncPolicy]}]}}`}, {applications, app}}, "ignoreApplicationDifferences", ""},
		"ApplicationSet ignores": {"argocd", []rival{{appSets, `{metadata: {name: set}, spec: {ignoreApplicationDifferences: [{jsonPointers: [/spec/syncPolicy]}]}}`}, {applications, app}}, "", ""},
		"ApplicationSet creates": {"argocd", []rival{{appSets, `{metadata: {name: set}, spec: {syncPolicy: {applicationsSync: create-only}}}`}, {applications, app}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRivalWorld(t)
			for _, r := range c.rivals {
				w.make(r.kind, r.yaml)
			}
			p, err := w.prepare("k8s.suspend", values{"kind": c.kind, "name": "x"})
			if c.refused != "" {
				wantKind(t, err, actions.KindRefused, c.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			told, out := p.preview(), p.mustRun()
			owes, _ := p.owes()
			if c.done == "" {
				if out["changed"] != true || len(owes) != 1 {
					t.Errorf("outputs %v, owes %v", out, owes)
				}
				return
			}
			if !strings.Contains(told.Summary, "nothing to do: it "+c.done) || out["changed"] != false || len(owes) > 0 || p.probe() != actions.Applied {
				t.Errorf("preview %+v, outputs %v, owes %v", told, out, owes)
			}
		})
	}
}

// What somebody set since is theirs, and an annotation writes no other field.
func TestRestoreIsCareful(t *testing.T) {
	w := newRivalWorld(t)
	w.make(autoscalers, `{metadata: {name: x}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}, maxReplicas: 3, behavior: {scaleUp: {selectPolicy: Min}}}}`)
	with := values{"kind": "hpa", "name": "x"}
	w.do("k8s.suspend", with)
	w.patch(autoscalers, "x", `{"spec":{"behavior":{"scaleDown":{"selectPolicy":"Min"}}}}`)
	back := w.must("k8s.restore", with)
	if notes := strings.Join(back.preview().Notes, "\n"); !strings.Contains(notes, "spec.behavior.scaleDown.selectPolicy is Min by now and stays so") {
		t.Errorf("notes: %s", notes)
	}
	back.mustRun()
	got := w.object(autoscalers, "x").Object
	if up, down := lookup(got, path{"spec", "behavior", "scaleUp", "selectPolicy"}), lookup(got, path{"spec", "behavior", "scaleDown", "selectPolicy"}); up != "Min" || down != "Min" {
		t.Errorf("up %v, down %v", up, down)
	}
	for text, says := range map[string]string{
		`{"spec.maxReplicas":100}`: "names spec.maxReplicas, which k8s.suspend does not set",
		`{"spec":{}}`:              "names spec, which k8s.suspend does not set",
		`nonsense`:                 "cannot be read",
	} {
		b, err := plainText(map[string]any{"metadata": map[string]any{"annotations": map[string]any{suspendedFrom: text}}})
		if err != nil {
			t.Fatal(err)
		}
		w.patch(autoscalers, "x", b)
		_, err = w.prepare("k8s.restore", with)
		wantKind(t, err, actions.KindRefused, says, "by hand")
	}
}

func TestSuspendNamesWhatIsMissing(t *testing.T) {
	w := newRivalWorld(t)
	w.make(kustomizations, `{metadata: {name: apps}, spec: {}}`)
	_, err := w.prepare("k8s.suspend", values{"kind": "flux-kustomization", "name": "aps"})
	wantKind(t, err, actions.KindInvalid, `did you mean "apps"?`)
	_, err = w.prepare("k8s.suspend", values{"kind": "flux-kustomization", "name": "apps", "namespace": "nowhere"})
	wantKind(t, err, actions.KindInvalid, `no kustomization "apps" in namespace "nowhere"`)
}
