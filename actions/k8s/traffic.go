package k8s

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
)

type trafficIn struct {
	Route          string         `json:"route,omitempty" doc:"name of an HTTPRoute; one of route, virtual_service and ingress is needed"`
	VirtualService string         `json:"virtual_service,omitempty" doc:"name of a VirtualService of Istio; its backends are named host/subset, as in app/canary, or host where there is no subset, and its weights add up to 100"`
	Ingress        string         `json:"ingress,omitempty" doc:"name of the canary Ingress of ingress-nginx, which has the annotation canary; its backends are its own Service and that of the Ingress it stands beside"`
	Weights        map[string]int `json:"weights" doc:"weight by name of the backend; its share is its weight in the sum of all"`
}

type trafficState struct {
	Write    write          `json:"write"`
	Rules    []int          `json:"rules"` // that the weights are set in
	Result   map[string]int `json:"result"`
	Previous map[string]int `json:"previous"`
	Notes    []string       `json:"notes,omitempty"`
}

type trafficOut struct {
	Changed  bool               `json:"changed" doc:"whether a weight was changed"`
	Weights  map[string]int     `json:"weights" doc:"weight of each backend now"`
	Shares   map[string]float64 `json:"shares" doc:"share of each backend now, 0 to 1"`
	Previous map[string]int     `json:"previous" doc:"weight of each backend before"`
}

type traffic struct{ family }

func trafficAction(f family) actions.Action {
	a := traffic{f}
	return actions.Define(actions.Def[trafficIn, trafficState, trafficOut]{
		Name:    "k8s.traffic",
		Summary: "Set the weights of the backends of an HTTPRoute, a VirtualService or a canary Ingress, and wait until a gateway that reports has taken them.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[trafficIn, trafficState](f),
		Examples: []actions.Example{
			{Title: "Send all traffic to the stable version", YAML: "uses: k8s.traffic\nwith:\n  route: app-route\n  weights: {app-stable: 100, app-canary: 0}"},
			{Title: "The same with Istio", YAML: "uses: k8s.traffic\nwith:\n  virtual_service: app\n  weights: {app/stable: 100, app/canary: 0}"},
			{Title: "The same with ingress-nginx", YAML: "uses: k8s.traffic\nwith:\n  ingress: app-canary\n  weights: {app-stable: 100, app-canary: 0}"},
		},
	})
}

func (a traffic) prepare(ctx context.Context, c *actions.Call, in trafficIn) (trafficState, error) {
	k, name, err := in.pick()
	if err != nil {
		return trafficState{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return trafficState{}, err
	}
	if k, _, err = cl.served(ctx, k); err != nil {
		return trafficState{}, err
	}
	obj, err := cl.must(ctx, k, name)
	if err != nil {
		return trafficState{}, err
	}
	r, err := cl.asRoute(ctx, k, obj)
	if err != nil {
		return trafficState{}, err
	}
	if err := in.valid(); err != nil {
		return trafficState{}, err
	}
	rules, err := r.rulesWith(in.Weights)
	if err != nil {
		return trafficState{}, err
	}
	edits, guards := r.way.edits(r, rules, in.Weights)
	st := trafficState{
		Write: newWrite(k, obj, edits, guards...), Rules: rules,
		Previous: r.weights(rules), Result: r.with(in.Weights).weights(rules),
		Notes: append(r.elsewhere(rules, in.Weights), r.notes...),
	}
	return st, cl.checkTraffic(ctx, r, st.Rules, in.Weights)
}

func (a traffic) preview(ctx context.Context, c *actions.Call, _ trafficIn, st trafficState) (actions.Preview, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := st.Write.preview(ctx, cl, c)
	if err != nil {
		return p, err
	}
	after, before := shares(st.Result), shares(st.Previous)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(st.Result)) {
		parts = append(parts, fmt.Sprintf("%s %s → %s", name, percent(before[name]), percent(after[name])))
		ready, known, err := cl.behind(ctx, st.Write, name)
		if err != nil {
			return p, err
		}
		note := fmt.Sprintf("%s gets %s of the traffic and has %d ready endpoints", name, percent(after[name]), ready)
		if !known {
			note = fmt.Sprintf("%s gets %s of the traffic and is elsewhere: its endpoints are not known", name, percent(after[name]))
		}
		p.Notes = append(p.Notes, note)
	}
	if len(p.Changes) > 0 {
		p.Summary = strings.Join(parts, ", ")
	}
	p.Notes = append(p.Notes, st.Notes...)
	return p, nil
}

func percent(share float64) string { return fmt.Sprintf("%.4g%%", share*100) }

func (a traffic) run(ctx context.Context, c *actions.Call, in trafficIn, st trafficState) (trafficOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return trafficOut{}, err
	}
	live, err := st.Write.live(ctx, cl)
	if err != nil {
		return trafficOut{}, err
	}
	r, err := cl.asRoute(ctx, st.Write.Kind, live)
	if err != nil {
		return trafficOut{}, err
	}
	if !st.Write.holds(live) {
		if err := cl.checkTraffic(ctx, r, st.Rules, in.Weights); err != nil {
			return trafficOut{}, err
		}
	}
	obj, changed, err := st.Write.apply(ctx, cl, c)
	if err != nil {
		return trafficOut{}, err
	}
	out := st.out(changed)
	if err := cl.awaitRoute(ctx, c, st.Write.Kind, st.Write.Name, obj.GetGeneration()); err != nil {
		return out, written(fmt.Errorf("gateway taking the weights of httproute %s: %w", st.Write.Name, err))
	}
	return out, nil
}

func (st trafficState) out(changed bool) trafficOut {
	return trafficOut{changed, st.Result, shares(st.Result), st.Previous}
}

// probe goes by the names of the backends: their places may have changed.
func (a traffic) probe(ctx context.Context, c *actions.Call, in trafficIn, st trafficState) (actions.Verdict, trafficOut, error) {
	out := st.out(!maps.Equal(st.Previous, st.Result))
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	verdict, obj, err := st.Write.probe(ctx, cl, c)
	if err != nil || obj == nil || st.Write.conflict(obj) == nil || verdict == actions.Applied {
		return verdict, out, err
	}
	r, err := cl.asRoute(ctx, st.Write.Kind, obj)
	if err != nil {
		return actions.Unknown, out, err
	}
	rules, err := r.rulesWith(in.Weights)
	if err != nil {
		return actions.Foreign, out, nil //nolint:nilerr // somebody else changed the backends, which is the answer
	}
	switch weights := r.weights(rules); {
	case maps.Equal(weights, st.Result):
		return actions.Applied, out, nil
	case maps.Equal(weights, st.Previous):
		return actions.NotApplied, out, nil
	}
	return actions.Foreign, out, nil
}

func (a traffic) undo(in trafficIn, st trafficState, out trafficOut) ([]actions.Step, error) {
	if !out.Changed {
		return nil, nil
	}
	back := map[string]any{}
	for name := range in.Weights {
		back[name] = st.Previous[name]
	}
	return []actions.Step{{
		Name: "Put the weights of " + st.Write.Name + " back",
		Uses: "k8s.traffic",
		With: map[string]any{in.field(): st.Write.Name, "weights": back},
	}}, nil
}
