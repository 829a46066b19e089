package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/runbackhq/runback/actions"
)

type deleteIn struct {
	Selector       string   `json:"selector,omitempty" doc:"label selector of the pods, as in app=myapp,version=canary; it is asked once, before the first pod is removed. One of selector and pods is needed"`
	Pods           []string `json:"pods,omitempty" doc:"names of the pods"`
	Force          bool     `json:"force" default:"false" doc:"whether to delete rather than evict: no PodDisruptionBudget holds a deletion. Pods have their grace period in both cases"`
	MaxUnavailable int      `json:"max_unavailable" default:"1" minimum:"1" doc:"how many pods of one owner may be missing at a time: the next one is removed when as many are ready as before"`
	Wait           bool     `json:"wait" default:"true" doc:"whether to wait at the end until each owner has as many ready pods as before"`
	AllowBare      bool     `json:"allow_bare" default:"false" doc:"whether to remove pods that no controller makes anew"`
	AllowNone      bool     `json:"allow_none" default:"false" doc:"whether it is fine that the selector matches no pod"`
}

// deleteState is the list of the pods, by UID. Nothing else is ever removed: to
// ask the selector again would find the healthy replacements.
type deleteState struct {
	Pods  []victim `json:"pods"`
	Crews []crew   `json:"crews"`
}

// victim is a pod that is removed.
type victim struct {
	Name  string `json:"name"`
	UID   string `json:"uid"`
	Owner string `json:"owner,omitempty"` // its UID; "" for a bare pod
	Node  string `json:"node,omitempty"`
	Image string `json:"image,omitempty"`
	Ready bool   `json:"ready"`
}

type deleteOut struct {
	Removed int      `json:"removed" doc:"number of pods that were removed"`
	Pods    []string `json:"pods" doc:"names of the pods that were removed"`
	Ready   int      `json:"ready" doc:"number of ready pods that their owners have now"`
}

type deletePods struct{ family }

func deletePodsAction(f family) actions.Action {
	a := deletePods{f}
	return actions.Define(actions.Def[deleteIn, deleteState, deleteOut]{
		Name:    "k8s.delete_pods",
		Summary: "Remove pods, a few at a time, so that their controllers make them anew from the present template.",
		Effect:  actions.Destroy,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		NoUndo: "a pod that was removed does not come back; what its controller makes instead is another pod",
		Tell: func(o deleteOut) string {
			return fmt.Sprintf("%d pods removed, %d are ready", o.Removed, o.Ready)
		},
		Examples: []actions.Example{
			{Title: "Force the pods of the canary to be made anew", YAML: "uses: k8s.delete_pods\nwith: {selector: \"app=myapp,version=canary\"}\ntimeout: 2m"},
			{Title: "Remove one pod although its budget does not allow it", YAML: "uses: k8s.delete_pods\nwith: {pods: [app-stable-7d4b9c-x2x1z], force: true}\ntimeout: 60s"},
		},
	})
}

func (a deletePods) prepare(ctx context.Context, c *actions.Call, in deleteIn) (deleteState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return deleteState{}, err
	}
	chosen, err := in.chosen(ctx, cl)
	if err != nil {
		return deleteState{}, err
	}
	var st deleteState
	for i := range chosen {
		if err := in.allows(&chosen[i]); err != nil {
			return deleteState{}, err
		}
		st.Pods = append(st.Pods, victimOf(&chosen[i]))
	}
	// Broken pods first: as long as they are there, budgets count them.
	slices.SortStableFunc(st.Pods, func(a, b victim) int {
		if a.Ready != b.Ready && b.Ready {
			return -1
		} else if a.Ready != b.Ready {
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	if st.Crews, err = cl.crews(ctx, chosen); err != nil {
		return deleteState{}, err
	}
	if !in.Force {
		_, err = cl.budgets(ctx, chosen)
	}
	return st, err
}

func victimOf(p *corev1.Pod) victim {
	v := victim{Name: p.Name, UID: string(p.UID), Node: p.Spec.NodeName, Ready: serving(p)}
	if owner := metav1.GetControllerOf(p); owner != nil {
		v.Owner = string(owner.UID)
	}
	if len(p.Spec.Containers) > 0 {
		v.Image = p.Spec.Containers[0].Image
	}
	return v
}

// chosen lists the pods, once.
func (in deleteIn) chosen(ctx context.Context, cl *Cluster) ([]corev1.Pod, error) {
	if (in.Selector == "") == (len(in.Pods) == 0) {
		return nil, actions.Invalid("write it like selector: app=myapp,version=canary", "exactly one of selector and pods is needed")
	}
	if in.Selector == "" {
		return in.named(ctx, cl)
	}
	selector, err := labels.Parse(in.Selector)
	if err != nil {
		return nil, actions.Invalid("write it like app=myapp,version=canary", "selector: %w", err)
	}
	if selector.Empty() {
		return nil, actions.Invalid("write it like app=myapp,version=canary", "selector %q matches every pod of the namespace", in.Selector)
	}
	found, err := cl.API.Pods(cl.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, explain(ctx, err, "listing pods")
	}
	if len(found.Items) == 0 && !in.AllowNone {
		return nil, actions.Invalid("if that is fine: allow_none: true", "no pod in namespace %q matches %s", cl.Namespace, selector)
	}
	return found.Items, nil
}

func (in deleteIn) named(ctx context.Context, cl *Cluster) ([]corev1.Pod, error) {
	var out []corev1.Pod
	for _, name := range slices.Compact(slices.Sorted(slices.Values(in.Pods))) {
		obj, err := cl.must(ctx, podKind, name)
		if err != nil {
			return nil, err
		}
		p, err := typed[corev1.Pod](obj)
		if err != nil {
			return nil, err
		}
		out = append(out, *p)
	}
	return out, nil
}

// allows refuses what would not come back.
func (in deleteIn) allows(p *corev1.Pod) error {
	owner := metav1.GetControllerOf(p)
	switch {
	case p.Annotations[corev1.MirrorPodAnnotationKey] != "":
		return actions.Refuse("change the manifest on the node", "pod %s is a static pod of node %s: its kubelet would only show it anew", p.Name, p.Spec.NodeName)
	case owner == nil && !in.AllowBare:
		return actions.Refuse("if it shall go for good: allow_bare: true", "pod %s has no controller, so nothing would make it anew", p.Name)
	}
	return nil
}
