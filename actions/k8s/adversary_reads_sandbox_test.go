package k8s

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/actions"
)

func to5(w *world) *prepared {
	w.t.Helper()
	return w.must("k8s.scale", values{"deployment": "app", "replicas": 5, "wait": false})
}

func fightsOf(p actions.Preview) string {
	var out []string
	for _, a := range p.Adversaries {
		out = append(out, a.Controller+" "+a.Object+" "+strings.Join(a.Fights, ","))
	}
	return strings.Join(out, "\n")
}

// applyAs applies fields of a Deployment as another field manager does.
func (w *world) applyAs(manager, body string) {
	w.t.Helper()
	force := true
	_, err := w.cl.API.Dynamic.Resource(deployments.gvr()).Namespace(w.cl.Namespace).Patch(w.ctx(), "app", types.ApplyPatchType,
		[]byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app"},`+body+`}`), metav1.PatchOptions{FieldManager: manager, Force: &force})
	if err != nil {
		w.t.Fatal(err)
	}
}

const imageOfApp = `"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:1.4.2"}]}}}`

// What a controller is seen to write it fights, and nothing else.
func TestFieldManagers(t *testing.T) {
	for name, c := range map[string]struct {
		manager, body, labels string
		fights, notes         string
	}{
		"writes it":         {"kustomize-controller", `"spec":{"replicas":0}`, "kustomize.toolkit.fluxcd.io", "Flux kustomization/apps spec.replicas", ""},
		"a person wrote it": {"kustomize-controller", imageOfApp, "kustomize.toolkit.fluxcd.io", "Flux kustomization/apps spec.replicas", ""},
		"no trace":          {"argocd-controller", `"spec":{"replicas":0}`, "", "Argo CD manager argocd-controller spec.replicas", ""},
		"no controller":     {"kubectl", `"spec":{"replicas":0}`, "", "", ""},
		"other fields":      {"argocd-controller", imageOfApp, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRivalWorld(t)
			w.deploy("app", "myapp:1.4.2", 0)
			w.settled("app")
			if c.labels != "" {
				w.make(kustomizations, `{metadata: {name: apps}, spec: {interval: 10m}}`)
				w.mark("app", `{labels: {`+c.labels+`/name: apps, `+c.labels+`/namespace: NS}}`)
			}
			w.applyAs(c.manager, c.body)
			if diff := cmp.Diff(c.fights, fightsOf(to5(w).preview())); diff != "" {
				t.Errorf("adversaries (-want +got):\n%s", diff)
			}
		})
	}
}

// A field that nobody set, or only the autoscaler, is not what Git says.
func TestFieldThatGitDoesNotWrite(t *testing.T) {
	w := newRivalWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	w.settled("app")
	w.make(kustomizations, `{metadata: {name: apps}, spec: {interval: 10m}}`)
	w.mark("app", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: NS}}`)
	w.applyAs("kustomize-controller", imageOfApp)
	p := w.must("k8s.rollout_pause", values{"deployment": "app"}).preview()
	if len(p.Adversaries) > 0 || !strings.Contains(strings.Join(p.Notes, "\n"), "Flux kustomization/apps manages it and is not seen to write these fields") {
		t.Errorf("preview: %+v", p)
	}
}

func TestOwnsPath(t *testing.T) {
	fields := objectOf(t, `{"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:spec":{"f:containers":{
		"k:{\"name\":\"app\"}":{".":{},"f:image":{},"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{}}}}}}},
		"f:metadata":{"f:annotations":{"f:example.com/x":{}}}}`).Object
	for shown, want := range map[string]bool{
		"spec.replicas": true,
		"spec.paused":   false,
		"spec.template.spec.containers[app].image":    true,
		"spec.template.spec.containers[log].image":    false,
		"spec.template.spec.containers[app].env":      false,
		"spec.selector.matchLabels.app":               true, // all of the map
		"spec.template.spec.containers":               true, // something in it
		"metadata.annotations[example.com/x]":         true,
		"metadata.annotations[example.com/y]":         false,
		"spec.template.metadata.annotations.anything": false,
	} {
		p, err := parseDotted(shown)
		if err != nil {
			t.Fatal(err)
		}
		if got := ownsPath(fields, p); got != want {
			t.Errorf("owns %s: %v, want %v", shown, got, want)
		}
	}
}

// At 0 replicas an autoscaler is no adversary, and that has a price.
func TestAutoscalerSwitchesItselfOff(t *testing.T) {
	w := newRivalWorld(t)
	w.deploy("app", "myapp:1.5.0-unready", 1)
	w.settled("app")
	w.make(autoscalers, strings.ReplaceAll(hpaOfApp, "%s", ""))
	p := w.must("k8s.scale", values{"deployment": "app", "replicas": 0, "wait": false}).preview()
	if len(p.Adversaries) > 0 || !strings.Contains(strings.Join(p.Notes, "\n"), "autoscaler app switches itself off at 0 replicas") {
		t.Errorf("preview: %+v", p)
	}
}

// Who may not look is told so, and the step goes on; who gets no answer is not.
func TestAdversariesThatCannotBeRead(t *testing.T) {
	w := newRivalWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	w.settled("app")
	w.mark("app", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:NS/app"}, labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: NS}}`)
	isRival := func(r *http.Request) bool {
		for _, k := range []kind{autoscalers, scaledObjects, applications, kustomizations, canaries} {
			if strings.Contains(r.URL.Path, "/"+k.Group+"/"+k.Version+"/") && strings.Contains(r.URL.Path, "/"+k.Resource) {
				return true
			}
		}
		return false
	}
	deaf := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if isRival(r) {
			return answer(r, http.StatusForbidden, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"x is forbidden"}`), nil
		}
		return send()
	})
	p := to5(deaf).preview()
	notes := strings.Join(p.Notes, "\n")
	for _, k := range []kind{autoscalers, scaledObjects, applications, kustomizations, canaries} {
		if !strings.Contains(notes, "could not look for "+k.group()+": forbidden") {
			t.Errorf("notes do not tell of %s: %s", k.group(), notes)
		}
	}
	want := "Argo CD application/shop \nFlux kustomization/apps "
	if diff := cmp.Diff(want, fightsOf(p)); diff != "" {
		t.Errorf("adversaries (-want +got):\n%s", diff)
	}
	broken := to5(w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if isRival(r) {
			return nil, errors.New("connection reset by peer")
		}
		return send()
	}))
	_, err := broken.a.Preview(w.ctx(), broken.c, broken.in, broken.state)
	wantKind(t, err, actions.KindUnreachable)
}

// A kind that is not installed has no objects.
func TestKindThatIsNotServed(t *testing.T) {
	w := newWorld(t)
	q := &contest{cl: w.cl, live: &object{Object: map[string]any{}}}
	got, err := q.list(w.ctx(), kind{"none", "none.example.com", "v1", "nones"})
	if err != nil || len(got) > 0 || len(q.notes) > 0 {
		t.Errorf("%v, notes %v, %v", got, q.notes, err)
	}
	if _, seen, err := q.get(w.ctx(), kind{"none", "none.example.com", "v1", "nones"}, "x", "y"); err != nil || !seen {
		t.Errorf("seen is %v, %v", seen, err)
	}
}
