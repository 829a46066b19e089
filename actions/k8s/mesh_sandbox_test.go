package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
)

// withMesh gives a Service app of two versions, its DestinationRule, and a
// VirtualService that shares 75 to 25.
func withMesh(t *testing.T) *world {
	w := newRivalWorld(t)
	w.deployed("stable", "myapp:1.4.2", 1)
	w.deployed("canary", "myapp:1.5.0-errors", 1)
	w.service("app", map[string]string{"app": "myapp"})
	w.eventually("both are endpoints", func() bool { return w.do("k8s.endpoints", values{"service": "app"})["ready"] == 2 })
	w.make(destinationRules, `
metadata: {name: app}
spec:
  host: app
  subsets:
    - {name: stable, labels: {version: stable}}
    - {name: canary, labels: {version: canary}}
    - {name: blue, labels: {version: blue}}
`)
	w.make(virtualServices, `
metadata: {name: app}
spec:
  hosts: [app]
  http:
    - match: [{headers: {x-canary: {exact: "1"}}}]
      route: [{destination: {host: app, subset: canary}}]
    - name: main
      mirror: {host: app, subset: canary}
      route:
        - {destination: {host: app, subset: stable}, weight: 75}
        - {destination: {host: app, subset: canary}, weight: 25}
`)
	return w
}

func TestTrafficOfAVirtualService(t *testing.T) {
	w := withMesh(t)
	k, _, err := w.cl.served(w.ctx(), virtualServices)
	if err != nil {
		t.Fatal(err)
	}
	before := w.object(k, "app")
	p := w.must("k8s.traffic", values{"virtual_service": "app", "weights": map[string]any{"app/stable": 100, "app/canary": 0}})
	told := p.preview()
	if told.Label != actions.Exact || told.Summary != "app/canary 25% → 0%, app/stable 75% → 100%" {
		t.Errorf("preview: %+v", told)
	}
	notes := strings.Join(told.Notes, "\n")
	for _, words := range []string{"app/stable gets 100% of the traffic and has 1 ready endpoints", "rule 1 still leads to app/canary", "rule 2 mirrors requests", "nobody reports it"} {
		if !strings.Contains(notes, words) {
			t.Errorf("notes do not say %q: %s", words, notes)
		}
	}
	out := p.mustRun()
	if diff := cmp.Diff(map[string]any{"app/stable": 1, "app/canary": 0}, out["shares"]); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(told.Changes, difference(before, w.object(k, "app"))); diff != "" {
		t.Errorf("preview and run differ (-told +did):\n%s", diff)
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	p.undo(out)
	if left := difference(before, w.object(k, "app")); len(left) > 0 {
		t.Errorf("undo left changes: %+v", left)
	}
}

func TestTrafficOfAVirtualServiceIsRefused(t *testing.T) {
	w := withMesh(t)
	w.make(virtualServices, `
metadata: {name: odd}
spec:
  http:
    - route:
        - {destination: {host: app, subset: stable}, weight: 100}
        - {destination: {host: app, subset: green}, weight: 0}
        - {destination: {host: app, subset: blue}, weight: 0}
`)
	for name, c := range map[string]struct {
		vs      string
		weights map[string]any
		kind    actions.Kind
		words   []string
	}{
		"sum is not 100":   {"app", map[string]any{"app/stable": 100}, actions.KindRefused, []string{"would add up to 125, not to 100"}},
		"no such backend":  {"app", map[string]any{"app/stable": 100, "app/green": 0}, actions.KindInvalid, []string{"app/canary, app/stable"}},
		"no such subset":   {"odd", map[string]any{"app/stable": 50, "app/green": 50}, actions.KindRefused, []string{`has a subset "green"`, "there are: stable, canary, blue"}},
		"nobody in subset": {"odd", map[string]any{"app/stable": 50, "app/blue": 50}, actions.KindRefused, []string{"app/blue, which has no ready endpoint"}},
		"no such object":   {"ap", map[string]any{"app/stable": 50}, actions.KindInvalid, []string{`no virtualservice "ap"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare("k8s.traffic", values{"virtual_service": c.vs, "weights": c.weights})
			wantKind(t, err, c.kind, c.words...)
		})
	}
	_, err := w.prepare("k8s.traffic", values{"weights": map[string]any{"a": 1}})
	wantKind(t, err, actions.KindInvalid, "exactly one of route, virtual_service and ingress")
}

// The weights belong to names: in another order they must not go to the other.
func TestTrafficOfAVirtualServiceGoesByName(t *testing.T) {
	w := withMesh(t)
	p := w.must("k8s.traffic", values{"virtual_service": "app", "weights": map[string]any{"app/stable": 100, "app/canary": 0}})
	swap := func(canary, stable string) {
		w.patch(virtualServices, "app", `{"spec":{"http":[{"route":[{"destination":{"host":"app","subset":"canary"},"weight":1}]},
			{"route":[{"destination":{"host":"app","subset":"canary"},"weight":`+canary+`},{"destination":{"host":"app","subset":"stable"},"weight":`+stable+`}]}]}}`)
	}
	swap("25", "75")
	_, err := p.run()
	wantKind(t, err, actions.KindConflict, "expected stable, found canary")
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("probe: %s, want NotApplied", v)
	}
	swap("0", "100")
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s, want Applied", v)
	}
}

// withNginx gives a pair of Ingresses as ingress-nginx reads them.
func withNginx(t *testing.T, canary, main string) *world {
	w := newWorld(t)
	w.deployed("stable", "myapp:1.4.2", 1)
	w.deployed("canary", "myapp:1.5.0-errors", 1)
	for _, name := range []string{"stable", "canary"} {
		w.service(name, map[string]string{"version": name})
		w.eventually(name+" has an endpoint", func() bool { return w.do("k8s.endpoints", values{"service": name})["ready"] == 1 })
	}
	ingress := func(name, annotations string) {
		w.make(ingresses, `
metadata: {name: `+name+`, annotations: {`+annotations+`}}
spec:
  ingressClassName: nginx
  rules:
    - host: app.example
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: `+name+`, port: {number: 80}}}}]}
`)
	}
	ingress("stable", main)
	ingress("canary", canary)
	return w
}

func TestTrafficOfACanaryIngress(t *testing.T) {
	w := withNginx(t, `nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-weight: "250", nginx.ingress.kubernetes.io/canary-weight-total: "1000",
		nginx.ingress.kubernetes.io/canary-by-header: x-canary, nginx.ingress.kubernetes.io/canary-by-cookie: beta`,
		`nginx.ingress.kubernetes.io/affinity: cookie`)
	before := w.object(ingresses, "canary")
	p := w.must("k8s.traffic", values{"ingress": "canary", "weights": map[string]any{"stable": 1000, "canary": 0}})
	told := p.preview()
	if told.Label != actions.Exact || told.Summary != "canary 25% → 0%, stable 75% → 100%" {
		t.Errorf("preview: %+v", told)
	}
	notes := strings.Join(told.Notes, "\n")
	for _, words := range []string{"header x-canary takes precedence", "cookie beta takes precedence", "sessions are sticky", "stable gets 100% of the traffic and has 1 ready endpoints"} {
		if !strings.Contains(notes, words) {
			t.Errorf("notes do not say %q: %s", words, notes)
		}
	}
	out := p.mustRun()
	if now := w.object(ingresses, "canary").GetAnnotations()[canaryWeight]; now != "0" {
		t.Errorf("annotation is %q", now)
	}
	if diff := cmp.Diff(told.Changes, difference(before, w.object(ingresses, "canary"))); diff != "" {
		t.Errorf("preview and run differ (-told +did):\n%s", diff)
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	p.undo(out)
	if left := difference(before, w.object(ingresses, "canary")); len(left) > 0 {
		t.Errorf("undo left changes: %+v", left)
	}
	for name, c := range map[string]struct {
		ingress string
		weights map[string]any
		kind    actions.Kind
		words   string
	}{
		"no canary":    {"stable", map[string]any{"stable": 1000, "canary": 0}, actions.KindInvalid, "ingress stable is no canary"},
		"wrong total":  {"canary", map[string]any{"stable": 100, "canary": 0}, actions.KindRefused, "add up to 100, not to its total of 1000"},
		"wrong name":   {"canary", map[string]any{"stable": 1000, "blue": 0}, actions.KindInvalid, "canary, stable"},
		"no such name": {"canar", map[string]any{"stable": 1000}, actions.KindInvalid, `did you mean "canary"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare("k8s.traffic", values{"ingress": c.ingress, "weights": c.weights})
			wantKind(t, err, c.kind, c.words)
		})
	}
	w.do("k8s.scale", values{"deployment": "canary", "replicas": 0})
	w.eventually("canary has none", func() bool { return w.do("k8s.endpoints", values{"service": "canary"})["ready"] == 0 })
	_, err := w.prepare("k8s.traffic", values{"ingress": "canary", "weights": map[string]any{"stable": 0, "canary": 1000}})
	wantKind(t, err, actions.KindRefused, "service canary, which has no ready endpoint")
}

func TestHostsOfAMesh(t *testing.T) {
	for host, want := range map[string]bool{"app": true, "app.shop": true, "app.shop.svc": true, "app.shop.svc.cluster.local": true, "app.other": false, "app.example.com": false, "app.shop.example": false} {
		if name, here := serviceOf(host, "shop"); here != want || name != "app" {
			t.Errorf("%s: %s %v", host, name, here)
		}
	}
}
