package flagger

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

func (a rollback) prepare(ctx context.Context, c *actions.Call, in rollbackIn) (rollbackState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return rollbackState{}, err
	}
	r, err := read(ctx, cl, in.Canary)
	if err != nil {
		return rollbackState{}, err
	}
	if err := r.allowed(); err != nil {
		return rollbackState{}, err
	}
	st := rollbackState{Namespace: r.canary.GetNamespace(), From: image(r.target), To: image(r.primary), Weight: r.weight(), Ready: ready(r.primary)}
	changes := []kube.Change{{Kind: canaries(), Object: r.canary, Relies: [][]string{{"status", "phase"}},
		Edits: []kube.Edit{{Path: []string{"spec", "suspend"}, Value: true}}}}
	traffic, note, err := r.traffic(ctx, cl)
	if err != nil {
		return st, err
	}
	changes = append(changes, traffic...)
	if note != "" {
		st.Notes = append(st.Notes, note)
	}
	if !r.same() {
		back, err := r.back(ctx, cl)
		if err != nil {
			return st, err
		}
		changes = append(changes, back)
	}
	for _, change := range changes {
		w, err := cl.Prepare(ctx, change)
		if err != nil {
			return st, err
		}
		st.Writes = append(st.Writes, w)
	}
	return st, nil
}

// allowed refuses the phases in which the primary is, or may be, the bad version
// itself: a promotion under way cannot be taken back by routing to it
// (flagger#1588, #1898), and after it the primary has to be put back by itself.
func (r *release) allowed() error {
	primary := r.primary.GetName()
	switch phase := r.phase(); phase {
	case "Progressing", "Waiting", "WaitingPromotion", "Failed":
	case "Promoting", "Finalising":
		return actions.Refuse("hold Flagger with k8s.suspend {kind: flagger, name: "+r.name()+"}, then put the primary back with k8s.rollout_undo {deployment: "+primary+"}",
			"canary %s is %s: its primary is being made the new version, so no traffic may be sent to it for the old one", r.name(), phase)
	default:
		return actions.Refuse("if the primary is bad: k8s.suspend {kind: flagger, name: "+r.name()+"}, then k8s.rollout_undo {deployment: "+primary+"}",
			"canary %s is %s: nothing is under way that could be taken back", r.name(), phase)
	}
	if want, known := kube.Number(r.primary, "spec", "replicas"); ready(r.primary) == 0 || known && ready(r.primary) < want {
		return actions.Refuse("look at: kubectl get pods; scale it up or put it right first", "deployment %s has %d of %d ready pods, and all traffic would go to it", primary, ready(r.primary), want)
	}
	return nil
}

// back puts the target to the template it had when it ran the images that the
// primary runs. The template of the primary itself is another one: Flagger gives
// it other labels and copies of config maps.
func (r *release) back(ctx context.Context, cl kube.Cluster) (kube.Change, error) {
	all, err := cl.List(ctx, replicaSets(), "")
	if err != nil {
		return kube.Change{}, err
	}
	var found *kube.Object
	for i := range all {
		owned := false
		for _, o := range all[i].GetOwnerReferences() {
			owned = owned || o.UID == r.target.GetUID()
		}
		if owned && sameImages(images(&all[i]), images(r.primary)) && (found == nil || revision(&all[i]) > revision(found)) {
			found = &all[i]
		}
	}
	if found == nil {
		return kube.Change{}, actions.Refuse("put the target right with k8s.set_image after k8s.suspend {kind: flagger, name: "+r.name()+"}",
			"deployment %s has no revision with the images of its primary, %s", r.target.GetName(), image(r.primary))
	}
	template, _ := kube.At(found.DeepCopy(), "spec", "template").(map[string]any)
	if labels, ok := kube.At(&kube.Object{Object: template}, "metadata", "labels").(map[string]any); ok {
		delete(labels, "pod-template-hash")
	}
	return kube.Change{Kind: deployments(), Object: r.target, Edits: []kube.Edit{{Path: []string{"spec", "template"}, Value: template}}}, nil
}

func revision(set *kube.Object) int {
	n := 0
	_, _ = fmt.Sscan(set.GetAnnotations()["deployment.kubernetes.io/revision"], &n)
	return n
}
