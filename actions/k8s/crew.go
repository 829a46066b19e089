package k8s

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// crew is a controller that makes pods anew, and how many of its pods were
// ready when the first one was to be removed.
type crew struct {
	Kind  kind   `json:"kind"`
	Name  string `json:"name"`
	UID   string `json:"uid"`
	Ready int    `json:"ready"`
	// Counts says whether it is known how many pods it wants. Of a Job, or of
	// somebody else's kind, it is not, and its pods are not waited for.
	Counts bool `json:"counts"`
}

func (w crew) label() string { return w.Kind.Name + "/" + w.Name }

// crews gives the owners of some pods.
func (cl *Cluster) crews(ctx context.Context, pods []corev1.Pod) ([]crew, error) {
	var out []crew
	known := map[types.UID]bool{}
	for i := range pods {
		owner := metav1.GetControllerOf(&pods[i])
		if owner == nil || known[owner.UID] {
			continue
		}
		known[owner.UID] = true
		w := crew{Name: owner.Name, UID: string(owner.UID)}
		w.Kind, w.Counts = crewKind(owner)
		_, ready, err := cl.crewNow(ctx, w)
		if err != nil {
			return nil, err
		}
		w.Ready = ready
		out = append(out, w)
	}
	return out, nil
}

func crewKind(owner *metav1.OwnerReference) (kind, bool) {
	if owner.APIVersion == "apps/v1" {
		for _, k := range []kind{replicaSets, statefulSets, daemonSets} {
			if strings.EqualFold(owner.Kind, k.Name) {
				return k, true
			}
		}
	}
	return kind{Name: strings.ToLower(owner.Kind)}, false
}

// crewNow gives how many pods a controller must have for as many to be ready as
// before, and how many are. It needs none when it is gone, and no more than it
// wants by now.
func (cl *Cluster) crewNow(ctx context.Context, w crew) (need, ready int, err error) {
	if !w.Counts {
		return 0, 0, nil
	}
	obj, err := cl.find(ctx, w.Kind, w.Name)
	if err != nil || obj == nil || string(obj.GetUID()) != w.UID {
		return 0, 0, err
	}
	pods, err := cl.podsUnder(ctx, obj)
	return min(w.Ready, podsWanted(obj)), count(pods, serving), err
}

// podsWanted gives the number of pods that a ReplicaSet, StatefulSet or DaemonSet
// wants.
func podsWanted(obj *object) int {
	if n, has, _ := unstructured.NestedInt64(obj.Object, "spec", "replicas"); has {
		return int(n)
	}
	n, _, _ := unstructured.NestedInt64(obj.Object, "status", "desiredNumberScheduled")
	return int(n)
}

// podsUnder gives the pods that an object controls itself.
func (cl *Cluster) podsUnder(ctx context.Context, obj *object) ([]corev1.Pod, error) {
	holder, err := typed[appsv1.ReplicaSet](obj) // all three have their selector in the same place
	if err != nil {
		return nil, err
	}
	all, err := cl.pods(ctx, holder.Spec.Selector)
	if err != nil {
		return nil, err
	}
	var own []corev1.Pod
	for _, p := range all {
		if metav1.IsControlledBy(&p, obj) {
			own = append(own, p)
		}
	}
	return own, nil
}
