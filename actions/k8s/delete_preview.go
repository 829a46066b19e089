package k8s

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/runbackhq/runback/actions"
)

// preview asks the API server about each pod for itself, and computes what it
// cannot tell: what the removals do to each other.
func (a deletePods) preview(ctx context.Context, c *actions.Call, in deleteIn, st deleteState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Predicted, Object: "pods", Summary: "nothing to do: there is no such pod"}
	if len(st.Pods) == 0 {
		return p, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return p, err
	}
	var pods []corev1.Pod
	for _, v := range st.Pods {
		pod, err := cl.victim(ctx, v)
		if err != nil {
			return p, err
		}
		if pod == nil {
			continue
		}
		pods = append(pods, *pod)
		p.Changes = append(p.Changes, actions.FieldChange{Object: "pod/" + v.Name, Path: "metadata.uid", Before: v.UID})
		if err := removable(cl.remove(ctx, v, in.Force, true)); err != nil {
			return p, explain(ctx, err, "asking whether pod "+v.Name+" may be removed")
		}
	}
	p.Summary = fmt.Sprintf("%s %d pods, %d of them ready", verb(in.Force), len(pods), count(pods, serving))
	p.Notes, err = a.notes(ctx, cl, in, st, pods)
	return p, err
}

func verb(force bool) string {
	if force {
		return "deletes"
	}
	return "evicts"
}

// removable takes away the answers that say something about now and nothing
// about later: a budget that is used up, a pod that went meanwhile.
func removable(err error) error {
	if apierrors.IsTooManyRequests(err) || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func (a deletePods) notes(ctx context.Context, cl *Cluster, in deleteIn, st deleteState, pods []corev1.Pod) ([]string, error) {
	notes := []string{fmt.Sprintf("at most %d pods of one owner are missing at a time; what is made anew has the template that is set then, so this rolls nothing back", in.MaxUnavailable)}
	for _, w := range st.Crews {
		note := fmt.Sprintf("%s makes its pods anew, %d of them are ready now", w.label(), w.Ready)
		if !w.Counts {
			note = w.label() + " does not say how many pods it wants: new ones are not waited for"
		}
		notes = append(notes, note)
	}
	if bare := slices.IndexFunc(st.Pods, func(v victim) bool { return v.Owner == "" }); bare >= 0 {
		notes = append(notes, "pod "+st.Pods[bare].Name+" and others without a controller do not come back")
	}
	budgets, err := cl.budgets(ctx, pods)
	if err != nil && !in.Force {
		return nil, err
	}
	if !in.Force {
		return append(notes, budgetNotes(pods, budgets)...), nil
	}
	if len(budgets) > 0 || err != nil {
		notes = append(notes, fmt.Sprintf("%d of the pods are in a pod disruption budget, which does not hold a deletion", len(budgets)))
	}
	return notes, nil
}

// victim gives a pod of the list, or nil when it is gone: one of the same name
// that was made later is another one.
func (cl *Cluster) victim(ctx context.Context, v victim) (*corev1.Pod, error) {
	obj, err := cl.find(ctx, podKind, v.Name)
	if err != nil || obj == nil || string(obj.GetUID()) != v.UID {
		return nil, err
	}
	return typed[corev1.Pod](obj)
}
