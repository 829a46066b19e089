package pod

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/actions"
)

// Pods gives the pods that a choice names in one of its ways. Those of a
// workload are the ones that it owns: its labels alone would take in pods of
// others that happen to carry them.
func (c Client) Pods(ctx context.Context, ch Choice) ([]corev1.Pod, error) {
	given := 0
	for _, s := range []string{ch.Deployment, ch.StatefulSet, ch.DaemonSet, ch.Selector, ch.Pod} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, actions.Invalid("give exactly one of deployment, statefulset, daemonset, selector and pod",
			"%d of deployment, statefulset, daemonset, selector and pod are given", given)
	}
	switch {
	case ch.Pod != "":
		p, err := c.API.Pods(c.Namespace).Get(ctx, ch.Pod)
		if err != nil {
			return nil, c.unread(ctx, err, "pod", ch.Pod)
		}
		return []corev1.Pod{*p}, nil
	case ch.Deployment != "":
		return c.ofDeployment(ctx, ch.Deployment)
	case ch.StatefulSet != "":
		s, err := c.API.StatefulSets(c.Namespace).Get(ctx, ch.StatefulSet)
		if err != nil {
			return nil, c.unread(ctx, err, "statefulset", ch.StatefulSet)
		}
		return c.owned(ctx, s.Spec.Selector, s.UID)
	case ch.DaemonSet != "":
		d, err := c.API.DaemonSets(c.Namespace).Get(ctx, ch.DaemonSet)
		if err != nil {
			return nil, c.unread(ctx, err, "daemonset", ch.DaemonSet)
		}
		return c.owned(ctx, d.Spec.Selector, d.UID)
	}
	return c.labelled(ctx, ch.Selector)
}

// ofDeployment: the pods belong to its ReplicaSets.
func (c Client) ofDeployment(ctx context.Context, name string) ([]corev1.Pod, error) {
	d, err := c.API.Deployments(c.Namespace).Get(ctx, name)
	if err != nil {
		return nil, c.unread(ctx, err, "deployment", name)
	}
	selector := metav1.FormatLabelSelector(d.Spec.Selector)
	sets, err := c.API.ReplicaSets(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, c.Explain(ctx, err, "listing the ReplicaSets of deployment/"+name)
	}
	var owners []types.UID
	for i := range sets.Items {
		if metav1.IsControlledBy(&sets.Items[i], d) {
			owners = append(owners, sets.Items[i].UID)
		}
	}
	return c.owned(ctx, d.Spec.Selector, owners...)
}

func (c Client) owned(ctx context.Context, selector *metav1.LabelSelector, owners ...types.UID) ([]corev1.Pod, error) {
	pods, err := c.labelled(ctx, metav1.FormatLabelSelector(selector))
	return slices.DeleteFunc(pods, func(p corev1.Pod) bool {
		owner := metav1.GetControllerOf(&p)
		return owner == nil || !slices.Contains(owners, owner.UID)
	}), err
}

func (c Client) labelled(ctx context.Context, selector string) ([]corev1.Pod, error) {
	if _, err := metav1.ParseToLabelSelector(selector); err != nil {
		return nil, actions.Invalid("write it like app=myapp,version=canary", "selector: %w", err)
	}
	list, err := c.API.Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, c.Explain(ctx, err, "listing the pods of "+selector)
	}
	return list.Items, nil
}

// unread explains an object that could not be read; that there is none is a
// mistake in the inputs.
func (c Client) unread(ctx context.Context, err error, kind, name string) error {
	if apierrors.IsNotFound(err) && c.Missing != nil {
		return c.Missing(ctx, kind, name)
	}
	return c.Explain(ctx, err, "reading "+kind+"/"+name)
}
