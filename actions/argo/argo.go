package argo

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

func rollouts() kube.Kind {
	return kube.Kind{Name: "rollout", Group: "argoproj.io", Resource: "rollouts"}
}

func replicaSets() kube.Kind {
	return kube.Kind{Name: "replicaset", Group: "apps", Resource: "replicasets"}
}

// hashLabel is on each ReplicaSet of a Rollout, and in the template of each.
const hashLabel = "rollouts-pod-template-hash"

type family struct{ connect kube.Connector }

func (f family) cluster(ctx context.Context, c *actions.Call) (kube.Cluster, error) {
	return f.connect(ctx, c.Target.Kubernetes)
}

// Actions lists the family.
func Actions(connect kube.Connector) []actions.Action {
	f := family{connect}
	return []actions.Action{statusAction(f), abortAction(f), undoAction(f), promoteAction(f)}
}

// rollout is a Rollout with its ReplicaSets.
type rollout struct {
	obj  *kube.Object
	sets []kube.Object
}

func read(ctx context.Context, cl kube.Cluster, name string) (*rollout, error) {
	obj, err := cl.Must(ctx, rollouts(), name)
	if err != nil {
		return nil, err
	}
	all, err := cl.List(ctx, replicaSets(), hashLabel)
	if err != nil {
		return nil, err
	}
	r := &rollout{obj: obj}
	for i := range all {
		for _, owner := range all[i].GetOwnerReferences() {
			if owner.UID == obj.GetUID() && owner.Controller != nil && *owner.Controller {
				r.sets = append(r.sets, all[i])
			}
		}
	}
	return r, nil
}

// set gives the ReplicaSet of a template, or nil.
func (r *rollout) set(hash string) *kube.Object {
	for i := range r.sets {
		if hash != "" && r.sets[i].GetLabels()[hashLabel] == hash {
			return &r.sets[i]
		}
	}
	return nil
}

func (r *rollout) name() string    { return r.obj.GetName() }
func (r *rollout) current() string { return kube.Text(r.obj, "status", "currentPodHash") }
func (r *rollout) stable() string  { return kube.Text(r.obj, "status", "stableRS") }
func (r *rollout) phase() string   { return kube.Text(r.obj, "status", "phase") }
func (r *rollout) aborted() bool   { return kube.True(r.obj, "status", "abort") }

// progressing says whether there is something between stable and new.
func (r *rollout) progressing() bool {
	return r.stable() != "" && r.current() != "" && r.current() != r.stable()
}

// seen says whether the status is about the present spec. The controller writes
// the generation as text; older ones wrote a hash of the spec, which says
// nothing.
func (r *rollout) seen() bool {
	n := kube.Text(r.obj, "status", "observedGeneration")
	for _, c := range n {
		if c < '0' || c > '9' {
			return true
		}
	}
	return n == "" || len(n) > 9 || n == fmt.Sprint(r.obj.GetGeneration())
}

// desired is the number of pods that are wanted; 1 when it is left out.
func (r *rollout) desired() int {
	if n, known := kube.Number(r.obj, "spec", "replicas"); known {
		return n
	}
	return 1
}

// routed says whether weights, rather than numbers of pods, share the traffic.
func (r *rollout) routed() bool {
	return kube.At(r.obj, "spec", "strategy", "canary", "trafficRouting") != nil
}

func (r *rollout) blueGreen() bool { return kube.At(r.obj, "spec", "strategy", "blueGreen") != nil }

// steps is the number of steps of a canary.
func (r *rollout) steps() int {
	list, _ := kube.At(r.obj, "spec", "strategy", "canary", "steps").([]any)
	return len(list)
}

// share tells what the new version gets, in words.
func (r *rollout) share() string {
	if n, known := kube.Number(r.obj, "status", "canary", "weights", "canary", "weight"); known {
		return fmt.Sprintf("%d%% of the traffic by weight", n)
	}
	if set := r.set(r.current()); set != nil {
		n, _ := kube.Number(set, "status", "readyReplicas")
		return fmt.Sprintf("%d ready pods", n)
	}
	return "nothing"
}

// available is the number of pods of a template that are available.
func (r *rollout) available(hash string) int {
	set := r.set(hash)
	if set == nil {
		return 0
	}
	n, _ := kube.Number(set, "status", "availableReplicas")
	return n
}

func imageOf(obj *kube.Object) string {
	if obj == nil {
		return ""
	}
	list, _ := kube.At(obj, "spec", "template", "spec", "containers").([]any)
	if len(list) == 0 {
		return ""
	}
	first, _ := list[0].(map[string]any)
	image, _ := first["image"].(string)
	return image
}

// pinned are the fields on which every decision here rests.
func pinned() [][]string {
	return [][]string{{"status", "currentPodHash"}, {"status", "stableRS"}}
}
