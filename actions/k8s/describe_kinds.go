package k8s

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/internal/pod"
)

func lower(s string) string { return strings.ToLower(s) }

// special tells what is particular to a kind, and gives the UIDs of the objects
// whose events belong to it: a Deployment is silent about a pod that cannot
// pull its image.
func (a description) special(ctx context.Context, cl *Cluster, out *describeOut, k kind, obj *object) ([]types.UID, error) {
	about := []types.UID{obj.GetUID()}
	switch {
	case k.is(podKind):
		p, err := typed[corev1.Pod](obj)
		if err != nil {
			return about, err
		}
		out.pod(p)
		return about, out.references(ctx, cl, &p.Spec)
	case k.is(services):
		return out.service(ctx, cl, obj)
	case k.is(ingresses):
		found, err := cl.inspectIngress(ctx, obj)
		out.Problems = append(out.Problems, found.Problems...)
		return about, err
	case k.Group == "apps":
		return out.workload(ctx, cl, k, obj)
	}
	return about, nil
}

// workload reads the numbers of any of the kinds that have pods. What a
// controller has not come to yet says nothing of the present template.
func (out *describeOut) workload(ctx context.Context, cl *Cluster, k kind, obj *object) ([]types.UID, error) {
	about := []types.UID{obj.GetUID()}
	var template *corev1.PodTemplateSpec
	var counts replicaCounts
	var seen int64
	choice := pod.Choice{}
	switch k.Name {
	case "deployment":
		d, err := typed[appsv1.Deployment](obj)
		if err != nil {
			return about, err
		}
		s := d.Status
		counts = replicaCounts{replicasWanted(d.Spec.Replicas), int(s.Replicas), int(s.UpdatedReplicas), int(s.ReadyReplicas), int(s.AvailableReplicas)}
		template, seen, choice.Deployment, out.Paused = &d.Spec.Template, s.ObservedGeneration, d.Name, d.Spec.Paused
	case "statefulset":
		d, err := typed[appsv1.StatefulSet](obj)
		if err != nil {
			return about, err
		}
		s := d.Status
		counts = replicaCounts{replicasWanted(d.Spec.Replicas), int(s.Replicas), int(s.UpdatedReplicas), int(s.ReadyReplicas), int(s.AvailableReplicas)}
		template, seen, choice.StatefulSet = &d.Spec.Template, s.ObservedGeneration, d.Name
	case "daemonset":
		d, err := typed[appsv1.DaemonSet](obj)
		if err != nil {
			return about, err
		}
		s := d.Status
		counts = replicaCounts{int(s.DesiredNumberScheduled), int(s.CurrentNumberScheduled), int(s.UpdatedNumberScheduled), int(s.NumberReady), int(s.NumberAvailable)}
		template, seen, choice.DaemonSet = &d.Spec.Template, s.ObservedGeneration, d.Name
	case "replicaset":
		d, err := typed[appsv1.ReplicaSet](obj)
		if err != nil {
			return about, err
		}
		s := d.Status
		counts = replicaCounts{replicasWanted(d.Spec.Replicas), int(s.Replicas), int(s.Replicas), int(s.ReadyReplicas), int(s.AvailableReplicas)}
		template, seen, choice.Selector = &d.Spec.Template, s.ObservedGeneration, metav1.FormatLabelSelector(d.Spec.Selector)
	default:
		return about, nil
	}
	if seen >= obj.GetGeneration() {
		out.Replicas = &counts
	} else {
		out.Problems = append(out.Problems, "its controller has not come to the newest version of it yet")
	}
	out.Images = imagesOf(&template.Spec)
	if err := out.references(ctx, cl, &template.Spec); err != nil {
		return about, err
	}
	more, err := out.podsOf(ctx, cl, choice)
	out.judgeWorkload()
	return append(about, more...), err
}

func replicasWanted(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// podsOf tells of the pods, and gives the UIDs of those whose events are worth
// reading, with those of their ReplicaSets, which say why pods are not made.
func (out *describeOut) podsOf(ctx context.Context, cl *Cluster, choice pod.Choice) ([]types.UID, error) {
	pods, err := cl.Pods().Pods(ctx, choice)
	if err != nil {
		return nil, err
	}
	var about []types.UID
	if choice.Deployment != "" {
		d, err := cl.deployment(ctx, choice.Deployment)
		if err != nil {
			return nil, err
		}
		sets, _, err := cl.replicaSets(ctx, d)
		if err != nil {
			return nil, err
		}
		for _, rs := range sets {
			if replicasWanted(rs.Spec.Replicas) > 0 {
				about = append(about, rs.UID)
			}
		}
	}
	return append(about, out.listPods(pods)...), nil
}

func (out *describeOut) listPods(pods []corev1.Pod) []types.UID {
	var about []types.UID
	troubledFirst(pods)
	for i := range pods {
		st := stateOf(&pods[i], out.now)
		out.Causes.add(st.Cause)
		out.Restarts += st.Restarts
		if len(out.Pods) < mostDescribed {
			out.Pods = append(out.Pods, st)
		}
		if len(about) < mostPods {
			about = append(about, pods[i].UID)
		}
	}
	return about
}

// service tells who is behind a Service.
func (out *describeOut) service(ctx context.Context, cl *Cluster, obj *object) ([]types.UID, error) {
	about := []types.UID{obj.GetUID()}
	svc, err := typed[corev1.Service](obj)
	if err != nil {
		return about, err
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return about, nil
	}
	found, err := cl.endpointsOf(ctx, svc.Name)
	if err != nil {
		return about, err
	}
	if len(svc.Spec.Selector) > 0 {
		pods, err := cl.Pods().Pods(ctx, pod.Choice{Selector: labels.Set(svc.Spec.Selector).String()})
		if err != nil {
			return about, err
		}
		about = append(about, out.listPods(pods)...)
	}
	n := readyEndpoints(found)
	out.Replicas = &replicaCounts{Desired: len(found), Current: len(found), Updated: len(found), Ready: n, Available: n}
	if n == 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("none of its %d endpoints is ready: nobody serves", len(found)))
	}
	return about, nil
}

func imagesOf(spec *corev1.PodSpec) []string {
	out := []string{}
	for _, c := range spec.Containers {
		out = append(out, c.Image)
	}
	return out
}
