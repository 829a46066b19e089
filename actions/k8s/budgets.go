package k8s

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/runbackhq/runback/actions"
)

// budgets gives the PodDisruptionBudget of each pod, by the pod's name. Of a pod
// with two of them the API server refuses every eviction with an internal error
// (kubernetes.io/docs/concepts/scheduling-eviction/api-eviction).
func (cl *Cluster) budgets(ctx context.Context, pods []corev1.Pod) (map[string]*policyv1.PodDisruptionBudget, error) {
	list, err := cl.API.Budgets(cl.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain(ctx, err, "listing pod disruption budgets")
	}
	out := map[string]*policyv1.PodDisruptionBudget{}
	for i := range list.Items {
		b := &list.Items[i]
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil {
			return nil, fmt.Errorf("selector of pod disruption budget %s: %w", b.Name, err)
		}
		for j := range pods {
			if !selector.Matches(labels.Set(pods[j].Labels)) {
				continue
			}
			if other := out[pods[j].Name]; other != nil {
				return nil, actions.Refuse("let one budget select the pod, or use force: true",
					"pod %s is in two pod disruption budgets, %s and %s, so the API server evicts it never", pods[j].Name, other.Name, b.Name)
			}
			out[pods[j].Name] = b
		}
	}
	return out, nil
}

// holdsBack gives, by budget, how many of some evictions would not be allowed if they
// were all asked for now. A dry run cannot tell: each is asked for itself, and
// nothing is used up, so with one disruption left all of them pass.
func holdsBack(pods []corev1.Pod, budgets map[string]*policyv1.PodDisruptionBudget) map[string]int {
	left, out := map[string]int32{}, map[string]int{}
	for i := range pods {
		b := budgets[pods[i].Name]
		if b == nil {
			continue
		}
		if _, seen := left[b.Name]; !seen {
			left[b.Name] = b.Status.DisruptionsAllowed
		}
		switch {
		case passesFreely(&pods[i], b):
		case left[b.Name] > 0:
			left[b.Name]--
		default:
			out[b.Name]++
		}
	}
	return out
}

// passesFreely says whether an eviction uses up nothing of the budget: the rules
// are those of pkg/registry/core/pod/storage/eviction.go of Kubernetes.
func passesFreely(p *corev1.Pod, b *policyv1.PodDisruptionBudget) bool {
	if p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning {
		return true
	}
	if ready(p) {
		return false
	}
	if policy := b.Spec.UnhealthyPodEvictionPolicy; policy != nil && *policy == policyv1.AlwaysAllow {
		return true
	}
	return b.Status.DesiredHealthy > 0 && b.Status.CurrentHealthy >= b.Status.DesiredHealthy
}

// budgetNotes tells what the budgets will do to the evictions.
func budgetNotes(pods []corev1.Pod, budgets map[string]*policyv1.PodDisruptionBudget) []string {
	under := map[string]int{}
	names := map[string]*policyv1.PodDisruptionBudget{}
	for _, b := range budgets {
		under[b.Name]++
		names[b.Name] = b
	}
	waiting := holdsBack(pods, budgets)
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		b := names[name]
		note := fmt.Sprintf("pod disruption budget %s: %d of %d evictions are allowed at once", name, under[name]-waiting[name], under[name])
		if waiting[name] > 0 {
			note += fmt.Sprintf("; the others wait until it allows more (%d of %d wanted pods are healthy)", b.Status.CurrentHealthy, b.Status.DesiredHealthy)
		}
		if waiting[name] == under[name] {
			note += ", and if it never does, nothing is removed before the time is over"
		}
		notes = append(notes, note)
	}
	return notes
}

// heldBy says why an eviction was not allowed: the cause names the budget, which
// the message does not.
func heldBy(err error) string {
	if cause, ok := apierrors.StatusCause(err, policyv1.DisruptionBudgetCause); ok {
		return cause.Message
	}
	return err.Error()
}
