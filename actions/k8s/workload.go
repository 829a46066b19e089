package k8s

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// workload is a Deployment, a StatefulSet or a DaemonSet, read as what the three
// have in common.
type workload struct {
	kind kind
	obj  *object
	*workFields
}

type workFields struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Replicas            *int32                                                  `json:"replicas"`
		Selector            *metav1.LabelSelector                                   `json:"selector"`
		Template            corev1.PodTemplateSpec                                  `json:"template"`
		Paused              bool                                                    `json:"paused"`
		UpdateStrategy      updateStrategy                                          `json:"updateStrategy"` // a Deployment has none of this name
		PodManagementPolicy appsv1.PodManagementPolicyType                          `json:"podManagementPolicy"`
		Claims              *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy `json:"persistentVolumeClaimRetentionPolicy"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64  `json:"observedGeneration"`
		ReadyReplicas      int    `json:"readyReplicas"`
		UpdatedReplicas    int    `json:"updatedReplicas"`
		AvailableReplicas  int    `json:"availableReplicas"`
		UpdateRevision     string `json:"updateRevision"`

		DesiredNumberScheduled int `json:"desiredNumberScheduled"` // of a DaemonSet, as are the next ones
		NumberReady            int `json:"numberReady"`
		UpdatedNumberScheduled int `json:"updatedNumberScheduled"`
		NumberAvailable        int `json:"numberAvailable"`
	} `json:"status"`
}

type updateStrategy struct {
	Type          string `json:"type"`
	RollingUpdate *struct {
		Partition *int `json:"partition"`
	} `json:"rollingUpdate"`
}

// pick gives the kind and the name of the workload that a step names.
func pick(deployment, statefulSet, daemonSet string) (k kind, name string, err error) {
	given := 0
	for _, c := range []struct {
		kind kind
		name string
	}{{deployments, deployment}, {statefulSets, statefulSet}, {daemonSets, daemonSet}} {
		if c.name != "" {
			given++
			k, name = c.kind, c.name
		}
	}
	if given != 1 {
		return kind{}, "", actions.Invalid("write it like deployment: app", "exactly one workload must be named, %d are", given)
	}
	return k, name, nil
}

func (cl *Cluster) workload(ctx context.Context, k kind, name string) (*workload, error) {
	obj, err := cl.must(ctx, k, name)
	if err != nil {
		return nil, err
	}
	return asWorkload(k, obj)
}

func asWorkload(k kind, obj *object) (*workload, error) {
	fields, err := typed[workFields](obj)
	if err != nil {
		return nil, err
	}
	return &workload{k, obj, fields}, nil
}

// label names it for people.
func (w *workload) label() string { return w.kind.Name + " " + w.Name }

// desired is the number of pods that are wanted. Of a DaemonSet its controller
// decides that, by the nodes there are.
func (w *workload) desired() int {
	switch {
	case w.kind.is(daemonSets):
		return w.Status.DesiredNumberScheduled
	case w.Spec.Replicas == nil:
		return 1
	}
	return int(*w.Spec.Replicas)
}

// current says whether the status speaks of the present spec.
func (w *workload) current() bool { return w.Status.ObservedGeneration >= w.Generation }

func (w *workload) ready() int     { return w.Status.ReadyReplicas + w.Status.NumberReady }
func (w *workload) updated() int   { return w.Status.UpdatedReplicas + w.Status.UpdatedNumberScheduled }
func (w *workload) available() int { return w.Status.AvailableReplicas + w.Status.NumberAvailable }

// onDelete says that its controller leaves pods of an older template alone until
// somebody removes them.
func (w *workload) onDelete() bool { return w.Spec.UpdateStrategy.Type == "OnDelete" }

// partition is the ordinal below which pods keep the older template.
func (w *workload) partition() int {
	if r := w.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return *r.Partition
	}
	return 0
}

// strategyNotes tells that a change of the template does not reach all pods.
func (w *workload) strategyNotes() []string {
	switch {
	case w.onDelete():
		return []string{"the update strategy is OnDelete: no pod is replaced before it is removed, with k8s.delete_pods"}
	case w.partition() > 0:
		return []string{fmt.Sprintf("the partition is %d: pods %s-0 to %s-%d keep the older template", w.partition(), w.Name, w.Name, w.partition()-1)}
	}
	return nil
}

// strategyGuards are the fields that those notes are about.
func (w *workload) strategyGuards() []guard {
	if w.kind.is(deployments) {
		return nil
	}
	at := path{"spec", "updateStrategy"}
	return []guard{{at, lookup(w.obj.Object, at)}}
}

// podsOfWork gives the pods of a workload: those that it controls, a Deployment
// through its ReplicaSets.
func (cl *Cluster) podsOfWork(ctx context.Context, w *workload) ([]corev1.Pod, error) {
	if !w.kind.is(deployments) {
		return cl.podsUnder(ctx, w.obj)
	}
	d, err := asDeployment(w.obj)
	if err != nil {
		return nil, err
	}
	_, pods, err := cl.replicaSets(ctx, d)
	return pods, err
}

// midRollout says whether pods of an older template are being replaced and more
// pods than wanted may be there. Only a Deployment has such: the others replace
// in place.
func (w *workload) midRollout() bool {
	if !w.kind.is(deployments) {
		return false
	}
	d, err := asDeployment(w.obj)
	return err != nil || d.midRollout()
}

// asFarAsItGoes says whether all pods are ready and every pod that the strategy
// lets the controller replace is of the present template.
func (w *workload) asFarAsItGoes(pods []corev1.Pod, now *replicaSet) bool {
	if w.kind.is(deployments) || !w.current() || now == nil || w.desired() == 0 || count(pods, serving) < w.desired() {
		return false
	}
	for i := range pods {
		p := &pods[i]
		if p.DeletionTimestamp != nil {
			return false
		}
		if !w.onDelete() && exists(p) && !now.made(p) && ordinal(p.Name) >= w.partition() {
			return false
		}
	}
	return true
}

// ordinal gives the number at the end of the name of a StatefulSet's pod. One
// without a number is held back by no partition.
func ordinal(name string) int {
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	if err != nil {
		return math.MaxInt
	}
	return n
}
