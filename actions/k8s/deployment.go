package k8s

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// deployment is a Deployment in both forms: as the API server gives it, which
// is what writes are made against, and typed, which is easier to read.
type deployment struct {
	obj *object
	*appsv1.Deployment
}

func (cl *Cluster) deployment(ctx context.Context, name string) (*deployment, error) {
	obj, err := cl.must(ctx, deployments, name)
	if err != nil {
		return nil, err
	}
	return asDeployment(obj)
}

func asDeployment(obj *object) (*deployment, error) {
	d, err := typed[appsv1.Deployment](obj)
	if err != nil {
		return nil, err
	}
	return &deployment{obj, d}, nil
}

// desired is the number of pods that are wanted. The API server sets it to 1
// when it is left out.
func (d *deployment) desired() int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return int(*d.Spec.Replicas)
}

// current says whether the status speaks of the present spec. Until then it is
// about what was wanted before.
func (d *deployment) current() bool { return d.Status.ObservedGeneration >= d.Generation }

// midRollout says whether pods of an older template are being replaced.
func (d *deployment) midRollout() bool {
	return !d.current() || d.Status.Replicas > d.Status.UpdatedReplicas
}

// podsOf lists the pods of a Deployment: those whose ReplicaSet it owns. Labels
// alone would take in pods of others that happen to carry them.
func (cl *Cluster) podsOf(ctx context.Context, d *deployment, sets []*replicaSet) ([]corev1.Pod, error) {
	all, err := cl.pods(ctx, d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	owned := map[types.UID]bool{}
	for _, rs := range sets {
		owned[rs.UID] = true
	}
	var out []corev1.Pod
	for _, p := range all {
		if owner := metav1.GetControllerOf(&p); owner != nil && owned[owner.UID] {
			out = append(out, p)
		}
	}
	return out, nil
}

func (cl *Cluster) pods(ctx context.Context, selector *metav1.LabelSelector) ([]corev1.Pod, error) {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("selector cannot be used: %w", err)
	}
	found, err := cl.API.Pods(cl.Namespace).List(ctx, metav1.ListOptions{LabelSelector: s.String()})
	if err != nil {
		return nil, explain(ctx, err, "listing pods")
	}
	return found.Items, nil
}
