package k8s

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/actions"
)

type scaleIn struct {
	Deployment   string `json:"deployment,omitempty" doc:"name of a Deployment; one of deployment and statefulset is needed"`
	StatefulSet  string `json:"statefulset,omitempty" doc:"name of a StatefulSet; its pods go and come by their ordinal"`
	Replicas     int    `json:"replicas" minimum:"0" maximum:"10000" doc:"number of pods that are wanted"`
	From         *int   `json:"from,omitempty" doc:"number that must be set now; anything else is refused"`
	Wait         bool   `json:"wait" default:"true" doc:"whether to wait for the pods: until they are ready, or at 0 until none exists any more, those being ended included"`
	DeleteClaims bool   `json:"delete_claims" default:"false" doc:"whether a StatefulSet may be scaled down although its policy deletes the volume claims, and so the data, of the pods that go"`
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
		Summary: "Set the number of pods of a Deployment or a StatefulSet and wait for them.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[scaleIn, scaleState](f),
		Examples: []actions.Example{
			{Title: "Scale up the stable version", YAML: "uses: k8s.scale\nwith: {deployment: app-stable, replicas: 5}"},
			{Title: "Retire the canary", YAML: "uses: k8s.scale\nwith: {deployment: app-canary, replicas: 0}\ntimeout: 60s"},
			{Title: "Scale up a StatefulSet", YAML: "uses: k8s.scale\nwith: {statefulset: queue, replicas: 3}\ntimeout: 3m"},
		},
	})
}

func (a scale) prepare(ctx context.Context, c *actions.Call, in scaleIn) (scaleState, error) {
	k, name, err := pick(in.Deployment, in.StatefulSet, "")
	if err != nil {
		return scaleState{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return scaleState{}, err
	}
	w, err := cl.workload(ctx, k, name)
	if err != nil {
		return scaleState{}, err
	}
	if in.From != nil && w.desired() != *in.From && w.desired() != in.Replicas {
		return scaleState{}, actions.Refuse("look at: kubectl get "+k.Name+" "+name+" -n "+cl.Namespace,
			"%s is set to %d replicas, not to %d as expected", w.label(), w.desired(), *in.From)
	}
	claims := path{"spec", "persistentVolumeClaimRetentionPolicy"}
	if in.Replicas < w.desired() && w.Spec.Claims != nil && w.Spec.Claims.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType && !in.DeleteClaims {
		return scaleState{}, actions.Refuse("set "+claims.show(nil)+".whenScaled to Retain first, or, if the data may go: delete_claims: true",
			"%s deletes the volume claims of the %d pods that would go, and their data with them", w.label(), w.desired()-in.Replicas)
	}
	e := edit{path{"spec", "replicas"}, w.desired(), in.Replicas}
	var guards []guard
	if k.is(statefulSets) {
		guards = append(guards, guard{claims, lookup(w.obj.Object, claims)})
	}
	return scaleState{newWrite(k, w.obj, []edit{e}, guards...), w.desired()}, nil
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
	p.Notes, err = a.notes(ctx, cl, in, st, p.Notes)
	return p, err
}

// notes tells what follows from the number: pods that end, a rollout that gets
// its share of the new pods.
func (a scale) notes(ctx context.Context, cl *Cluster, in scaleIn, st scaleState, notes []string) ([]string, error) {
	w, err := cl.workload(ctx, st.Write.Kind, st.Write.Name)
	if err != nil {
		return nil, err
	}
	pods, err := cl.podsOfWork(ctx, w)
	if err != nil {
		return nil, err
	}
	if ending := count(pods, exists) - in.Replicas; ending > 0 && in.Replicas < w.desired() {
		notes = append(notes, fmt.Sprintf("%d of %d pods end, each within %s", ending, count(pods, exists), grace(&w.Spec.Template)))
	}
	if in.Replicas > w.desired() && w.midRollout() && w.kind.is(deployments) {
		notes = append(notes, "a rollout is under way: the new pods are spread over the old and the new template in proportion")
	}
	if broken := len(unhealthy(pods)); broken > 0 && w.kind.is(statefulSets) && w.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		notes = append(notes, fmt.Sprintf("its pods come and go one after another: the %d that are not ready may hold it up", broken))
	}
	return notes, nil
}

func grace(t *corev1.PodTemplateSpec) string {
	if s := t.Spec.TerminationGracePeriodSeconds; s != nil {
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
	look := scaleLook{cl: cl, want: in.Replicas, uid: st.Write.UID, kind: st.Write.Kind, name: st.Write.Name, down: in.Replicas < st.Previous}
	if in.Wait {
		if err := actions.Until(ctx, c, pause, look.done); err != nil {
			return scaleOut{}, written(fmt.Errorf("scaling %s to %d: %w", st.Write.object(), in.Replicas, err))
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
	look := scaleLook{cl: cl, want: in.Replicas, uid: st.Write.UID, kind: st.Write.Kind, name: st.Write.Name, down: in.Replicas < st.Previous}
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
		Name: fmt.Sprintf("Scale %s back to %d", st.Write.Name, st.Previous),
		Uses: "k8s.scale",
		With: map[string]any{st.Write.Kind.Name: st.Write.Name, "replicas": st.Previous, "from": in.Replicas},
	}}, nil
}
