package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// withRoute gives a route of two rules: the first shares its traffic 75 to 25,
// the second leads to the canary by a header.
func withRoute(w *world, canary int32) {
	w.t.Helper()
	w.deploy("canary", "myapp:1.5.0-errors", canary)
	w.deployed("stable", "myapp:1.4.2", 1)
	if canary > 0 {
		w.complete("canary")
	}
	for _, name := range []string{"stable", "canary"} {
		w.service(name, map[string]string{"version": name})
	}
	w.eventually("stable has an endpoint", func() bool { return w.do("k8s.endpoints", values{"service": "stable"})["ready"] == 1 })
	ref := func(name string, weight int64) any {
		return map[string]any{"name": name, "port": int64(80), "weight": weight}
	}
	r := &object{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": map[string]any{"name": "app"},
		"spec": map[string]any{
			"parentRefs": []any{map[string]any{"name": "sandbox-gateway"}},
			"rules": []any{
				map[string]any{"backendRefs": []any{ref("stable", 75), ref("canary", 25)}},
				map[string]any{
					"matches":     []any{map[string]any{"headers": []any{map[string]any{"name": "x-canary", "value": "1"}}}},
					"backendRefs": []any{ref("canary", 1)},
				},
			},
		},
	}}
	if _, err := w.cl.API.Dynamic.Resource(httpRoutes.gvr()).Namespace(w.cl.Namespace).Create(w.ctx(), r, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func TestTraffic(t *testing.T) {
	w := newWorld(t)
	withRoute(w, 1)
	before := w.object(httpRoutes, "app")
	p := w.must("k8s.traffic", values{"route": "app", "weights": map[string]any{"stable": 100, "canary": 0}})
	told := p.preview()
	if told.Summary != "canary 25% → 0%, stable 75% → 100%" {
		t.Errorf("summary: %s", told.Summary)
	}
	notes := strings.Join(told.Notes, "\n")
	for _, words := range []string{"stable gets 100% of the traffic and has 1 ready endpoints", "rule 2 still leads to canary"} {
		if !strings.Contains(notes, words) {
			t.Errorf("notes do not say %q: %s", words, notes)
		}
	}
	out := p.mustRun()
	if diff := cmp.Diff(map[string]any{"stable": 1, "canary": 0}, out["shares"]); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(told.Changes, difference(before, w.object(httpRoutes, "app"))); diff != "" {
		t.Errorf("preview and run differ (-told +did):\n%s", diff)
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	p.undo(out)
	if left := difference(before, w.object(httpRoutes, "app")); len(left) > 0 {
		t.Errorf("undo left changes: %+v", left)
	}
}

func TestTrafficToNobodyIsRefused(t *testing.T) {
	w := newWorld(t)
	withRoute(w, 0)
	for name, c := range map[string]struct {
		weights map[string]any
		kind    actions.Kind
		says    string
	}{
		"no endpoints":  {map[string]any{"stable": 50, "canary": 50}, actions.KindRefused, "service canary, which has no ready endpoint"},
		"all zero":      {map[string]any{"stable": 0, "canary": 0}, actions.KindRefused, "would be 0"},
		"grows unnamed": {map[string]any{"stable": 1}, actions.KindRefused, "service canary"},
		"unknown":       {map[string]any{"stable": 1, "blue": 0}, actions.KindInvalid, "no rule with the backends blue, stable"},
		"negative":      {map[string]any{"stable": -1}, actions.KindInvalid, "weight of stable is -1"},
		"none":          {map[string]any{}, actions.KindInvalid, "weights are missing"},
	} {
		_, err := w.prepare("k8s.traffic", values{"route": "app", "weights": c.weights})
		if actions.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Away from the Service without endpoints it may go.
	w.do("k8s.traffic", values{"route": "app", "weights": map[string]any{"stable": 100, "canary": 0}})
}

// The order of the backends is not theirs to keep: the patch relies on the
// names at the indexes.
func TestTrafficNoticesAnotherOrder(t *testing.T) {
	w := newWorld(t)
	withRoute(w, 1)
	p := w.must("k8s.traffic", values{"route": "app", "weights": map[string]any{"stable": 100, "canary": 0}})
	w.patch(httpRoutes, "app", `{"spec":{"rules":[{"backendRefs":[{"name":"canary","port":80,"weight":25},{"name":"stable","port":80,"weight":75}]}]}}`)
	_, err := p.run()
	wantKind(t, err, actions.KindConflict, "spec.rules[0].backendRefs[canary].name: expected stable, found canary")
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("probe: %s, want NotApplied", v)
	}
	w.patch(httpRoutes, "app", `{"spec":{"rules":[{"backendRefs":[{"name":"canary","port":80,"weight":0},{"name":"stable","port":80,"weight":100}]}]}}`)
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s, want Applied", v)
	}
}
