package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/runbackhq/runback/actions"
)

// suspendedFrom is the annotation in which a suspended object keeps what its
// fields were before: the dotted path of each, and its value or null. It is
// with the object, so it outlives the journal.
const suspendedFrom = "runback.dev/suspended-from"

type holdIn struct {
	Kind      string `json:"kind" enum:"argocd|flux-kustomization|flux-helmrelease|hpa|keda|flagger" doc:"what controls: an Argo CD Application, a Flux Kustomization or HelmRelease, a HorizontalPodAutoscaler, a KEDA ScaledObject, a Flagger Canary"`
	Name      string `json:"name" doc:"name of that object"`
	Namespace string `json:"namespace,omitempty" doc:"its namespace; without it that of the target"`
}

func (in holdIn) with() map[string]any {
	m := map[string]any{"kind": in.Kind, "name": in.Name}
	if in.Namespace != "" {
		m["namespace"] = in.Namespace
	}
	return m
}

type holdState struct {
	Write write    `json:"write"`
	Key   string   `json:"key"`            // of the obligation
	Done  string   `json:"done,omitempty"` // why there is nothing to do
	Notes []string `json:"notes,omitempty"`
}

func (st holdState) wrote() write { return st.Write }

type holdOut struct {
	Changed bool   `json:"changed" doc:"whether this step changed it"`
	Object  string `json:"object" doc:"the object, with its namespace when that is not the target's"`
	State   string `json:"state" doc:"how it is now, in words"`
}

func tellHold(o holdOut) string { return o.Object + " " + o.State }

// hold is what suspending and restoring have in common.
type hold struct {
	family
	state string // what Run leaves
	edits func(ctx context.Context, cl *Cluster, c *actions.Call, h holder, obj *object, st *holdState) ([]edit, error)
	notes func(h holder, obj *object) []string
}

func (a hold) prepare(ctx context.Context, c *actions.Call, in holdIn) (holdState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return holdState{}, err
	}
	h := holderOf(in.Kind)
	k, served, err := cl.served(ctx, h.kind)
	if err != nil {
		return holdState{}, err
	}
	if !served {
		return holdState{}, actions.Invalid("look where the controller runs: it may act from another cluster", "the cluster knows no %s", h.kind.group())
	}
	elsewhere := in.Namespace
	if elsewhere == cl.Namespace {
		elsewhere = ""
	}
	there := write{Namespace: elsewhere}.where(cl)
	obj, err := there.must(ctx, k, in.Name)
	if err != nil {
		return holdState{}, err
	}
	st := holdState{Key: fmt.Sprintf("suspended %s/%s/%s", k.group(), there.Namespace, in.Name)}
	edits, err := a.edits(ctx, there, c, h, obj, &st)
	if err != nil {
		return holdState{}, err
	}
	st.Write = newWrite(k, obj, edits)
	st.Write.Namespace = elsewhere
	if len(edits) > 0 {
		st.Notes = append(st.Notes, a.notes(h, obj)...)
	}
	return st, nil
}

func (a hold) preview(ctx context.Context, c *actions.Call, _ holdIn, st holdState) (actions.Preview, error) {
	if st.Done != "" {
		return actions.Preview{Label: actions.Exact, Object: st.Write.object(), Summary: "nothing to do: it " + st.Done}, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := st.Write.preview(ctx, cl, c)
	if err == nil && len(p.Changes) > 0 {
		p.Summary = a.state
		p.Notes = append(p.Notes, st.Notes...)
	}
	return p, err
}

func (a hold) run(ctx context.Context, c *actions.Call, _ holdIn, st holdState) (holdOut, error) {
	if st.Done != "" {
		return st.out(false, st.Done), nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return holdOut{}, err
	}
	_, changed, err := st.Write.apply(ctx, cl, c)
	return st.out(changed, a.state), err
}

func (st holdState) out(changed bool, state string) holdOut {
	return holdOut{changed, st.Write.object(), state}
}

func (a hold) probe(ctx context.Context, c *actions.Call, _ holdIn, st holdState) (actions.Verdict, holdOut, error) {
	if st.Done != "" {
		return actions.Applied, st.out(false, st.Done), nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, holdOut{}, err
	}
	verdict, _, err := st.Write.probe(ctx, cl, c)
	return verdict, st.out(verdict == actions.Applied, a.state), err
}

// remembered writes what fields were before as the annotation keeps it.
func remembered(before map[string]any) (string, error) {
	b, err := json.Marshal(before)
	return string(b), err
}

// recall reads the annotation.
func recall(text string) (map[string]any, []string, error) {
	var v any
	if err := decode([]byte(text), &v); err != nil {
		return nil, nil, err
	}
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return nil, nil, fmt.Errorf("it is not a map of fields")
	}
	return m, slices.Sorted(maps.Keys(m)), nil
}
