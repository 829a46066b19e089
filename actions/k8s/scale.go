package k8s

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type scaleIn struct {
	Deployment string `json:"deployment" doc:"name of the Deployment"`
	Replicas   int    `json:"replicas" minimum:"0" maximum:"10000" doc:"number of pods that are wanted"`
	From       *int   `json:"from,omitempty" doc:"number that must be set now; anything else is refused"`
	Wait       bool   `json:"wait" default:"true" doc:"whether to wait for the pods: until they are ready, or at 0 until none exists any more, those being ended included"`
}

type scaleState struct {
	Write    write `json:"write"`
	Previous int   `json:"previous"`
}

type scaleOut struct {
	Replicas int  `json:"replicas" doc:"number of pods that are wanted now"`
	Previous int  `json:"previous" doc:"number that was wanted before"`
	Ready    *int `json:"ready" doc:"number of ready pods; unknown while the controller has not seen the change"`
	Changed  bool `json:"changed" doc:"whether the number was changed"`
}

type scale struct{ family }

func scaleAction(f family) actions.Action {
	a := scale{f}
	return actions.Define(actions.Def[scaleIn, scaleState, scaleOut]{
		Name:    "k8s.scale",
		Summary: "Set the number of pods of a Deployment and wait for them.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[scaleIn, scaleState](f),
		Examples: []actions.Example{
			{Title: "Scale up the stable version", YAML: "uses: k8s.scale\nwith: {deployment: app-stable, replicas: 5}"},
			{Title: "Retire the canary", YAML: "uses: k8s.scale\nwith: {deployment: app-canary, replicas: 0}\ntimeout: 60s"},
		},
	})
}

func (a scale) prepare(ctx context.Context, c *actions.Call, in scaleIn) (scaleState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return scaleState{}, err
	}
	d, err := cl.deployment(ctx, in.Deployment)
	if err != nil {
		return scaleState{}, err
	}
	if in.From != nil && d.desired() != *in.From && d.desired() != in.Replicas {
		return scaleState{}, actions.Refuse("look at: kubectl get deployment "+in.Deployment+" -n "+cl.Namespace,
			"deployment %s is set to %d replicas, not to %d as expected", in.Deployment, d.desired(), *in.From)
	}
	e := edit{path{"spec", "replicas"}, d.desired(), in.Replicas}
	return scaleState{newWrite(deployments, d.obj, []edit{e}), d.desired()}, nil
}

func (a scale) preview(ctx context.Context, c *actions.Call, in scaleIn, st scaleState) (actions.Preview, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := st.Write.preview(ctx, cl, c)
	if err != nil {
		return p, err
	}
	p.Summary = fmt.Sprintf("replicas %d → %d", st.Previous, in.Replicas)
	if st.Previous == in.Replicas {
		p.Summary = fmt.Sprintf("nothing to do: replicas is %d", in.Replicas)
	}
	p.Notes, err = a.notes(ctx, cl, in, p.Notes)
	return p, err
}

// notes tells what follows from the number: pods that end, a rollout that gets
// its share of the new pods.
func (a scale) notes(ctx context.Context, cl *Cluster, in scaleIn, notes []string) ([]string, error) {
	d, err := cl.deployment(ctx, in.Deployment)
	if err != nil {
		return nil, err
	}
	_, pods, err := cl.replicaSets(ctx, d)
	if err != nil {
		return nil, err
	}
	if ending := count(pods, exists) - in.Replicas; ending > 0 && in.Replicas < d.desired() {
		notes = append(notes, fmt.Sprintf("%d of %d pods end, each within %s", ending, count(pods, exists), grace(d)))
	}
	if in.Replicas > d.desired() && d.midRollout() {
		notes = append(notes, "a rollout is under way: the new pods are spread over the old and the new template in proportion")
	}
	return notes, nil
}

func grace(d *deployment) string {
	if s := d.Spec.Template.Spec.TerminationGracePeriodSeconds; s != nil {
		return fmt.Sprintf("%ds", *s)
	}
	return "30s"
}

func (a scale) run(ctx context.Context, c *actions.Call, in scaleIn, st scaleState) (scaleOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return scaleOut{}, err
	}
	_, changed, err := st.Write.apply(ctx, cl, c)
	if err != nil {
		return scaleOut{}, err
	}
	look := scaleLook{cl: cl, want: in.Replicas, uid: st.Write.UID, name: in.Deployment, down: in.Replicas < st.Previous}
	if in.Wait {
		if err := actions.Until(ctx, c, pause, look.done); err != nil {
			return scaleOut{}, written(fmt.Errorf("scaling deployment %s to %d: %w", in.Deployment, in.Replicas, err))
		}
	}
	out := scaleOut{Replicas: in.Replicas, Previous: st.Previous, Changed: changed}
	out.Ready, err = look.ready(ctx)
	return out, written(err)
}

func (a scale) probe(ctx context.Context, c *actions.Call, in scaleIn, st scaleState) (actions.Verdict, scaleOut, error) {
	out := scaleOut{Replicas: in.Replicas, Previous: st.Previous, Changed: in.Replicas != st.Previous}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	verdict, _, err := st.Write.probe(ctx, cl, c)
	if err != nil || verdict != actions.Applied {
		return verdict, out, err
	}
	look := scaleLook{cl: cl, want: in.Replicas, uid: st.Write.UID, name: in.Deployment, down: in.Replicas < st.Previous}
	if in.Wait {
		if verdict, err = look.verdict(ctx); verdict != actions.Applied {
			return verdict, out, err
		}
	}
	out.Ready, err = look.ready(ctx)
	return verdict, out, err
}

func (a scale) undo(in scaleIn, st scaleState, _ scaleOut) ([]actions.Step, error) {
	if st.Previous == in.Replicas {
		return nil, nil
	}
	return []actions.Step{{
		Name: fmt.Sprintf("Scale %s back to %d", in.Deployment, st.Previous),
		Uses: "k8s.scale",
		With: map[string]any{"deployment": in.Deployment, "replicas": st.Previous, "from": in.Replicas},
	}}, nil
}
