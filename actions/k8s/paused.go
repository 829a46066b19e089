package k8s

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

type pauseIn struct {
	Deployment  string `json:"deployment,omitempty" doc:"name of the Deployment"`
	StatefulSet string `json:"statefulset,omitempty" doc:"refused: a StatefulSet has no pause, but a partition"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"refused: a DaemonSet has no pause, but the strategy OnDelete"`
}

type pauseState struct {
	Write     write  `json:"write"`
	Was       bool   `json:"was"`
	Namespace string `json:"namespace"` // of the target, for the key of the obligation
}

// pausedKey names the obligation that a pause leaves and a resume settles.
func pausedKey(in pauseIn, st pauseState) string {
	return "paused deployment/" + st.Namespace + "/" + in.Deployment
}

type pauseOut struct {
	Paused bool `json:"paused" doc:"whether the rollout is paused now"`
	Was    bool `json:"was" doc:"whether it was paused before"`
}

// setPaused sets spec.paused to one value. kubectl takes "already paused" for
// an error; here it is nothing to do.
type setPaused struct {
	family
	paused  bool
	summary string // of a preview
	notes   []string
	inverse string // name of the action that puts it back
}

func (a setPaused) prepare(ctx context.Context, c *actions.Call, in pauseIn) (pauseState, error) {
	if err := in.pausable(); err != nil {
		return pauseState{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return pauseState{}, err
	}
	d, err := cl.deployment(ctx, in.Deployment)
	if err != nil {
		return pauseState{}, err
	}
	e := edit{path{"spec", "paused"}, present(d.Spec.Paused), present(a.paused)}
	return pauseState{newWrite(deployments, d.obj, []edit{e}), d.Spec.Paused, cl.Namespace}, nil
}

// pausable refuses the kinds that have no field to pause by.
func (in pauseIn) pausable() error {
	k, name, err := pick(in.Deployment, in.StatefulSet, in.DaemonSet)
	switch {
	case err != nil:
		return err
	case k.is(statefulSets):
		return actions.Refuse(`hold it with a partition of at least its replicas: k8s.patch with {kind: statefulset, name: `+name+
			`, merge: {spec: {updateStrategy: {rollingUpdate: {partition: 1000}}}}}, and put 0 back to let it go on`,
			"statefulset %s cannot be paused: StatefulSets have no such field, and kubectl refuses it too", name)
	case k.is(daemonSets):
		return actions.Refuse(`hold it with: k8s.patch with {kind: daemonset, name: `+name+`, merge: {spec: {updateStrategy: {type: OnDelete, rollingUpdate: null}}}}`,
			"daemonset %s cannot be paused: DaemonSets have no such field, and kubectl refuses it too", name)
	}
	return nil
}

// present gives the field as the API server stores it: it leaves false out.
func present(b bool) any {
	if b {
		return true
	}
	return nil
}

func (a setPaused) preview(ctx context.Context, c *actions.Call, _ pauseIn, st pauseState) (actions.Preview, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := st.Write.preview(ctx, cl, c)
	if err == nil && len(p.Changes) > 0 {
		p.Summary = a.summary
		p.Notes = append(p.Notes, a.notes...)
	}
	return p, err
}

func (a setPaused) run(ctx context.Context, c *actions.Call, _ pauseIn, st pauseState) (pauseOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return pauseOut{}, err
	}
	_, _, err = st.Write.apply(ctx, cl, c)
	return pauseOut{a.paused, st.Was}, err
}

func (a setPaused) probe(ctx context.Context, c *actions.Call, _ pauseIn, st pauseState) (actions.Verdict, pauseOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, pauseOut{}, err
	}
	verdict, _, err := st.Write.probe(ctx, cl, c)
	return verdict, pauseOut{a.paused, st.Was}, err
}

func (a setPaused) undo(in pauseIn, st pauseState, _ pauseOut) ([]actions.Step, error) {
	if st.Was == a.paused {
		return nil, nil
	}
	return []actions.Step{{Uses: a.inverse, With: map[string]any{"deployment": in.Deployment}}}, nil
}
