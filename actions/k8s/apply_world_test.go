package k8s

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/runbackhq/runback/actions"
)

var configMaps = kind{"configmap", "", "v1", "configmaps"}

// asManifest gives the inputs of k8s.apply for a manifest in YAML.
func asManifest(text string, more ...any) values {
	with := values{"manifest": fromYAML(text).Object}
	for i := 0; i < len(more); i += 2 {
		with[more[i].(string)] = more[i+1]
	}
	return with
}

// specimen is a manifest of an object, and one that changes it.
type specimen struct {
	kind         kind
	first, then  string
	says, exists string // of the previews: a change that they tell
}

// manifests are objects of several kinds, all of the name x.
func manifests() map[string]specimen {
	roles := kind{"role", "rbac.authorization.k8s.io", "v1", "roles"}
	older := autoscalers
	older.Version = "v1"
	return map[string]specimen{
		"config map": {configMaps,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {team: shop}}, data: {limit: "50", text: "a ${{ b }} < c"}}`,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, creationTimestamp: null}, data: {limit: "10"}}`,
			"data.limit <nil> → 50", "data.limit 50 → 10"},
		"service": {services,
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: myapp}, ports: [{port: 80, targetPort: http}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {sessionAffinity: ClientIP}}`,
			"spec.selector.app <nil> → myapp", "spec.sessionAffinity None → ClientIP"},
		"deployment": {deployments,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 0, selector: {matchLabels: {a: x}}, template: {metadata: {labels: {a: x}},
				spec: {containers: [{name: app, image: "myapp:1.4.2", resources: {requests: {cpu: 0.5}}}, {name: log, image: "myapp:1.4.2"}]}}}, status: {}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: {containers: [{name: log, image: "myapp:1.5.0-slow", resources: null}]}}}}`,
			"spec.replicas <nil> → 0", "spec.template.spec.containers[log].image myapp:1.4.2 → myapp:1.5.0-slow"},
		"role": {roles,
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}`,
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}, rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}`,
			"rules <nil> → [map[apiGroups:[] resources:[pods] verbs:[get]]]", "rules[0].verbs [get] → [get list]"},
		"autoscaler of an older version": {older,
			`{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: 4, targetCPUUtilizationPercentage: 80, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}}}`,
			`{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {targetCPUUtilizationPercentage: 60, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}}}`,
			"spec.targetCPUUtilizationPercentage <nil> → 80", "spec.targetCPUUtilizationPercentage 80 → 60"},
	}
}

// as gives the same namespace for a user who may do what a role x allows.
func (w *world) as(user string) *world {
	w.t.Helper()
	config := tune(w.cl.config)
	config.Impersonate.UserName = user
	return w.over(config)
}

// isChange says whether a request changes something for good. A deletion is told
// in its body that it is none.
func isChange(r *http.Request) bool {
	if r.Method != http.MethodDelete {
		return (r.Method == http.MethodPost || r.Method == http.MethodPatch) && r.URL.Query().Get("dryRun") == ""
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && !bytes.Contains(body, []byte(`"dryRun"`))
}

// neverArrives loses each change before it reaches the API server, and
// losesAnswers the answer to it.
func neverArrives(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if isChange(r) {
		return nil, errors.New("no route to host")
	}
	return send()
}

func losesAnswers(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	change := isChange(r)
	resp, err := send()
	if change && err == nil {
		_ = resp.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	return resp, err
}

func (w *world) gone(k kind, name string) bool {
	w.t.Helper()
	obj, err := w.cl.find(w.ctx(), k, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return obj == nil
}

// undone runs the steps that Undo gives and returns the last one, so that the
// undo can be undone.
func (p *prepared) undone(out actions.Outputs) (*prepared, actions.Outputs) {
	p.w.t.Helper()
	steps, err := p.a.Undo(p.in, p.state, out)
	if err != nil || len(steps) != 1 {
		p.w.t.Fatalf("undo of %s: %v, %v", p.a.Spec.Name, steps, err)
	}
	back := p.w.must(steps[0].Uses, steps[0].With)
	return back, back.mustRun()
}

func hasChange(t *testing.T, p actions.Preview, want string) {
	t.Helper()
	for _, ch := range p.Changes {
		if fmt.Sprintf("%s %v → %v", ch.Path, ch.Before, ch.After) == want {
			return
		}
	}
	t.Errorf("preview does not tell %q: %+v", want, p.Changes)
}

func limitOf(name, limit string) string {
	return `{apiVersion: v1, kind: ConfigMap, metadata: {name: ` + name + `}, data: {limit: "` + limit + `"}}`
}

// file writes a manifest for kubectl.
func (w *world) file(text string) string {
	w.t.Helper()
	name := filepath.Join(w.t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(name, []byte("# for kubectl\n"+text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

func (w *world) data(name string) string {
	return fmt.Sprint(w.fields(configMaps, name)["data"])
}
