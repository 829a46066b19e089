package pod

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/actions"
)

// Choice is how a step names the container in which a program is run.
type Choice struct {
	Deployment  string `json:"deployment,omitempty" doc:"name of a Deployment, of which a ready pod is taken, the newest first; one of deployment, statefulset, daemonset, selector and pod names where to run"`
	StatefulSet string `json:"statefulset,omitempty" doc:"name of a StatefulSet, of which a ready pod is taken"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"name of a DaemonSet, of which a ready pod is taken"`
	Selector    string `json:"selector,omitempty" doc:"label selector, of which a ready pod is taken"`
	Pod         string `json:"pod,omitempty" doc:"name of one pod, ready or not"`
	Container   string `json:"container,omitempty" doc:"name of the container; needed when the pod has several"`
}

// IsZero says whether no pod is named at all.
func (ch Choice) IsZero() bool { return ch == Choice{} }

// Find gives the container that is meant, in the life that it is in now.
func (c Client) Find(ctx context.Context, ch Choice) (Ref, error) {
	p, err := c.Best(ctx, ch)
	if err != nil {
		return Ref{}, err
	}
	return ch.container(p)
}

// Best gives the pod that is meant: the one that is named, ready or not, or the
// newest of those that are ready and are not being ended.
func (c Client) Best(ctx context.Context, ch Choice) (*corev1.Pod, error) {
	pods, err := c.Pods(ctx, ch)
	if err != nil {
		return nil, err
	}
	if ch.Pod == "" {
		pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool { return !Serving(&p) })
		newestFirst(pods)
	}
	if len(pods) == 0 {
		// Not a refusal: pods that are being replaced are ready in a moment, and a
		// retry finds them.
		return nil, &actions.Error{Kind: actions.KindFailed, Hint: "see why: kubectl describe pods; or name a pod, which is taken ready or not", Err: errors.New("no pod is ready to run a program in")}
	}
	return &pods[0], nil
}

func (ch Choice) container(p *corev1.Pod) (Ref, error) {
	var names []string
	for _, s := range p.Spec.Containers {
		names = append(names, s.Name)
	}
	if ch.Container == "" && len(names) > 1 {
		return Ref{}, actions.Invalid("name one with container: "+strings.Join(names, ", "), "pod %s has %d containers", p.Name, len(names))
	}
	name := cmp.Or(ch.Container, names[0])
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == name && s.State.Running != nil {
			return Ref{Pod: p.Name, UID: string(p.UID), Container: name, ContainerID: s.ContainerID}, nil
		}
	}
	return Ref{}, actions.Refuse("its containers are: "+strings.Join(names, ", "), "container %s of pod %s does not run", name, p.Name)
}

// Serving says whether a pod is ready and will stay.
func Serving(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// newestFirst: in the middle of a rollout the older ones are on their way out.
func newestFirst(pods []corev1.Pod) {
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
}
