package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// allows refuses what a manifest would not bring back, and what another action
// does better.
func (in removeIn) allows(k kind, obj *object) error {
	whenDeleted, _ := lookup(obj.Object, path{"spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"}).(string)
	switch {
	case k.is(podKind) && metav1.GetControllerOf(obj) != nil:
		return actions.Refuse("use k8s.delete_pods, which heeds the budgets and waits for the new ones", "pod %s has a controller, which makes another one", in.Name)
	case in.DeleteClaims:
	case k.is(claims):
		return actions.Refuse("if the data may go: delete_claims: true", "with volume claim %s its data goes, and no undo brings it back", in.Name)
	case k.is(statefulSets) && whenDeleted == string(appsv1.DeletePersistentVolumeClaimRetentionPolicyType):
		return actions.Refuse("set spec.persistentVolumeClaimRetentionPolicy.whenDeleted to Retain first, or, if the data may go: delete_claims: true",
			"statefulset %s deletes its volume claims with it, and their data", in.Name)
	}
	return nil
}

// captured gives a manifest that makes the object anew: all but what the API
// server and controllers write for the one object that there was.
func captured(k kind, obj *object) map[string]any {
	out := bare(obj)
	for _, field := range []string{"namespace", "uid", "creationTimestamp", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"} {
		unstructured.RemoveNestedField(out, "metadata", field)
	}
	switch {
	case k.is(deployments): // its controller counts the rollouts there
		unstructured.RemoveNestedField(out, "metadata", "annotations", "deployment.kubernetes.io/revision")
		if left, _ := lookup(out, path{"metadata", "annotations"}).(map[string]any); len(left) == 0 {
			unstructured.RemoveNestedField(out, "metadata", "annotations")
		}
	case k.is(podKind):
		unstructured.RemoveNestedField(out, "spec", "nodeName")
	case k.is(jobs) && lookup(out, path{"spec", "manualSelector"}) != true:
		// The API server gives each Job a selector of its own, and refuses
		// one that is given (k8s.io/api/batch/v1, JobSpec.ManualSelector).
		unstructured.RemoveNestedField(out, "spec", "selector")
		for _, at := range []path{{"metadata", "labels"}, {"spec", "template", "metadata", "labels"}} {
			for _, name := range []string{"controller-uid", "job-name"} {
				unstructured.RemoveNestedField(out, append(at, name)...)
				unstructured.RemoveNestedField(out, append(at, "batch.kubernetes.io/"+name)...)
			}
		}
	}
	return out
}

// preview asks the API server whether the object may be deleted, and lists all
// that it holds. What goes with it is not in the answer.
func (a remove) preview(ctx context.Context, c *actions.Call, _ removeIn, st removeState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Predicted, Object: st.label(), Summary: "nothing to do: there is none"}
	cl, err := a.cluster(ctx, c)
	if err != nil || st.UID == "" {
		return p, err
	}
	live, err := st.live(ctx, cl)
	if err != nil {
		return p, err
	}
	if live == nil {
		return p, nil
	}
	fields, err := st.fields()
	if err != nil {
		return p, err
	}
	p.Changes = fieldsIn(fields, actions.FieldChange{Path: "uid", Before: st.UID}, func(v any) (before, after any) { return v, nil })
	p.Summary = "deletes it, and what it owns; its manifest is kept"
	if err := st.ask(ctx, cl, live, true); err != nil && !dryRunForbidden(err) {
		return p, explain(ctx, err, "asking whether "+st.label()+" may be deleted")
	}
	rivals, notes, err := cl.makers(ctx, live, p.Changes)
	if err != nil {
		return p, err
	}
	p.Adversaries = rivals
	own, err := cl.lostWith(ctx, st, live)
	p.Notes = slices.Concat(own, notes)
	return p, err
}

// lostWith says in words what ends together with the object.
func (cl *Cluster) lostWith(ctx context.Context, st removeState, live *object) ([]string, error) {
	var notes []string
	if live.GetDeletionTimestamp() != nil {
		notes = append(notes, "it is being deleted already")
	}
	if held := live.GetFinalizers(); len(held) > 0 {
		notes = append(notes, "it goes when its finalizers are done, and with them what they clean up: "+strings.Join(held, ", "))
	}
	pods := 0
	switch {
	case st.Kind.is(deployments):
		d, err := cl.deployment(ctx, st.Name)
		if err != nil {
			return nil, err
		}
		all, err := cl.pods(ctx, d.Spec.Selector)
		if err != nil {
			return nil, err
		}
		pods = count(all, exists)
	case st.Kind.is(replicaSets), st.Kind.is(statefulSets), st.Kind.is(daemonSets):
		own, err := cl.podsUnder(ctx, live)
		if err != nil {
			return nil, err
		}
		pods = count(own, exists)
	case st.Kind.is(services):
		endpoints, err := cl.endpointsOf(ctx, st.Name)
		if err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("its name leads nowhere from then on; it has %d endpoints now, and its address may be given to another one", len(endpoints)))
	case st.Kind.is(jobs):
		notes = append(notes, "to make it again, as an undo does, is to run it again")
	}
	if pods > 0 {
		notes = append(notes, fmt.Sprintf("%d pods end with it", pods))
	}
	return notes, nil
}
