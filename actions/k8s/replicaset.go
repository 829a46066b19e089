package k8s

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// replicaSet is one template that a workload had, with its pods. Its revision
// is renumbered whenever the template is used again, so it identifies nothing;
// the hash does.
type replicaSet struct {
	obj *object
	*appsv1.ReplicaSet
	revision int
	hash     string
	digest   string // of the template of a ControllerRevision
	marked   bool   // by the pipeline, after its checks
	halfway  bool   // older revisions still have pods: its rollout never completed
	pods     []corev1.Pod
}

// proven says whether there is proof that the template works.
func (rs *replicaSet) proven() bool { return rs.proof() != "" }

// proof gives the proof, or "": a ready pod of it, or the mark of the pipeline
// that deployed it. A rollout that stopped half-way has ready pods of a version
// that never carried the load; they prove nothing.
func (rs *replicaSet) proof() string {
	switch n := rs.ready(); {
	case n > 0 && !rs.halfway:
		return fmt.Sprintf("%d ready pods", n)
	case rs.marked:
		return "marked " + knownGood
	}
	return ""
}

// marked reads the mark of the pipeline. While the Deployment has the mark
// itself it proves nothing: the controller copies annotations of a Deployment to
// each new ReplicaSet, and kubectl's undo copies those of a ReplicaSet back.
func marked(d *deployment, rs *replicaSet) bool {
	return rs.Annotations[knownGood] == "true" && d.Annotations[knownGood] == ""
}

func (rs *replicaSet) ready() int { return count(rs.pods, serving) }

// replicaSets gives the ReplicaSets of a Deployment with their pods, newest
// revision first, and all pods.
func (cl *Cluster) replicaSets(ctx context.Context, d *deployment) ([]*replicaSet, []corev1.Pod, error) {
	selector := metav1.FormatLabelSelector(d.Spec.Selector)
	items, err := cl.list(ctx, replicaSets, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, nil, err
	}
	var sets []*replicaSet
	for i := range items {
		if !metav1.IsControlledBy(&items[i], d.Deployment) {
			continue
		}
		rs, err := asReplicaSet(&items[i])
		if err != nil {
			return nil, nil, err
		}
		rs.marked = marked(d, rs)
		sets = append(sets, rs)
	}
	slices.SortFunc(sets, func(a, b *replicaSet) int { return b.revision - a.revision })
	pods, err := cl.podsOf(ctx, d, sets)
	if err != nil {
		return nil, nil, err
	}
	for _, rs := range sets {
		for i := range pods {
			if metav1.IsControlledBy(&pods[i], rs.ReplicaSet) {
				rs.pods = append(rs.pods, pods[i])
			}
		}
	}
	return sets, pods, nil
}

func asReplicaSet(obj *object) (*replicaSet, error) {
	rs, err := typed[appsv1.ReplicaSet](obj)
	if err != nil {
		return nil, err
	}
	// A ReplicaSet without a number was not made by a Deployment's controller;
	// it stays 0 and is never chosen.
	revision, _ := strconv.Atoi(rs.Annotations["deployment.kubernetes.io/revision"])
	return &replicaSet{
		obj: obj, ReplicaSet: rs, revision: revision,
		hash: rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey],
	}, nil
}

// currentOf gives the ReplicaSet of the Deployment's present template, or nil
// when there is none yet: the controller has not come to it, or the Deployment
// is paused.
func currentOf(d *deployment, sets []*replicaSet) *replicaSet {
	var found *replicaSet
	for _, rs := range sets {
		// Of two with equal templates the controller takes the older one.
		if sameTemplate(&d.Spec.Template, &rs.Spec.Template) &&
			(found == nil || rs.CreationTimestamp.Before(&found.CreationTimestamp)) {
			found = rs
		}
	}
	return found
}

// sameTemplate compares two pod templates as the Deployment controller does:
// without the label that the controller adds itself.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	x, y := a.DeepCopy(), b.DeepCopy()
	delete(x.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	delete(y.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return equality.Semantic.DeepEqual(x, y)
}

// image gives the image of a template: of the first container, or of the first
// one that differs from the other template.
func image(t, other *corev1.PodTemplateSpec) string {
	containers := t.Spec.Containers
	if len(containers) == 0 {
		return ""
	}
	if other != nil && len(other.Spec.Containers) == len(containers) {
		for i, c := range containers {
			if c.Image != other.Spec.Containers[i].Image {
				return c.Image
			}
		}
	}
	return containers[0].Image
}
