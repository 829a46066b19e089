package k8s

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// choose gives the pods that a step names in one of three ways.
func (cl *Cluster) choose(ctx context.Context, deployment, selector, pod string) ([]corev1.Pod, error) {
	given := 0
	for _, s := range []string{deployment, selector, pod} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, actions.Invalid("give exactly one of deployment, selector and pod", "%d of deployment, selector and pod are given", given)
	}
	switch {
	case deployment != "":
		d, err := cl.deployment(ctx, deployment)
		if err != nil {
			return nil, err
		}
		_, pods, err := cl.replicaSets(ctx, d)
		return pods, err
	case pod != "":
		obj, err := cl.must(ctx, podKind, pod)
		if err != nil {
			return nil, err
		}
		found, err := typed[corev1.Pod](obj)
		if err != nil {
			return nil, err
		}
		return []corev1.Pod{*found}, nil
	}
	parsed, err := metav1.ParseToLabelSelector(selector)
	if err != nil {
		return nil, actions.Invalid("write it like app=myapp,version=canary", "selector: %w", err)
	}
	return cl.pods(ctx, parsed)
}
