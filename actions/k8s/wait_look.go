package k8s

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// sight is one look at an object that is waited for.
type sight struct {
	done bool
	text string
	out  waitOut
}

func look(ctx context.Context, cl *Cluster, in waitIn, st waitState) (sight, error) {
	obj, err := cl.find(ctx, st.Kind, in.Name)
	if err != nil {
		return sight{}, err
	}
	what := st.Kind.Name + " " + in.Name
	replaced := obj != nil && st.UID != "" && string(obj.GetUID()) != st.UID
	switch {
	case in.Until == "absent":
		// An object of the same name that was made later is not the one
		// whose end is waited for.
		gone := obj == nil || replaced
		return sight{done: gone, text: what + presence(!gone), out: waitOut{UID: st.UID}}, nil
	case obj == nil && in.Until == "present":
		return sight{text: what + presence(false)}, nil
	case obj == nil:
		return sight{}, fmt.Errorf("%s was deleted", what)
	case in.Until == "present":
		return sight{done: true, text: what + presence(true), out: waitOut{UID: string(obj.GetUID())}}, nil
	case replaced:
		return sight{}, fmt.Errorf("%s was deleted and made anew: expected uid %s, found %s", what, st.UID, obj.GetUID())
	case st.Kind.is(deployments), st.Kind.is(statefulSets), st.Kind.is(daemonSets):
		return lookWorkload(ctx, cl, in, st.Kind, obj)
	}
	return lookOther(in, st.Kind, obj)
}

func presence(there bool) string {
	if there {
		return " is there"
	}
	return " is not there"
}

func lookWorkload(ctx context.Context, cl *Cluster, in waitIn, k kind, obj *object) (sight, error) {
	d, err := asWorkload(k, obj)
	if err != nil {
		return sight{}, err
	}
	h, pods, err := cl.historyOf(ctx, d)
	if err != nil {
		return sight{}, err
	}
	now := h.current
	old := count(pods, exists)
	if now != nil {
		old -= count(now.pods, exists)
	}
	out := waitOut{UID: string(d.UID), Desired: ptr(d.desired()), Old: &old}
	if !d.current() {
		return sight{text: "controller has not seen the change yet", out: out}, nil
	}
	out.Ready, out.Updated = ptr(d.ready()), ptr(d.updated())
	seen := sight{out: out, text: fmt.Sprintf("%d of %d pods are ready, %d updated, %d old", *out.Ready, d.desired(), *out.Updated, old)}
	seen.done = *out.Ready >= max(in.MinReady, d.desired())
	if in.Until == "complete" {
		seen.done = now != nil && now.ready() >= max(in.MinReady, d.desired()) && *out.Updated >= d.desired() && old == 0
	}
	if notes := d.strategyNotes(); in.Until == "complete" && !seen.done && len(notes) > 0 {
		seen.text += "; " + notes[0]
	}
	switch {
	case d.desired() == 0:
		// At 0 replicas every condition of a workload is fulfilled, and
		// nothing is proven.
		seen.text = "0 replicas are wanted, so none can become ready"
	case d.Spec.Paused && in.Until == "complete" && !seen.done:
		seen.text += "; the rollout is paused"
	}
	return seen, nil
}

// lookOther reads what kinds without special treatment have in common.
func lookOther(in waitIn, k kind, obj *object) (sight, error) {
	if in.Until == "complete" {
		return sight{}, actions.Invalid("use until: ready", "a %s has no rollout that could be complete", k.Name)
	}
	seen := sight{out: waitOut{UID: string(obj.GetUID())}}
	observed, has, _ := unstructured.NestedInt64(obj.Object, "status", "observedGeneration")
	if has && observed < obj.GetGeneration() {
		seen.text = "controller has not seen the change yet"
		return seen, nil
	}
	if desired, ready, ok := replicasOf(obj); ok {
		seen.out.Desired, seen.out.Ready = &desired, &ready
		seen.done = ready >= max(in.MinReady, desired)
		seen.text = fmt.Sprintf("%d of %d pods are ready", ready, desired)
		return seen, nil
	}
	status := conditionOf(obj, "Ready", "Available", "Established", "Complete")
	if status == "" {
		return sight{}, actions.Invalid("use until: present", "a %s does not say whether it is ready", k.Name)
	}
	seen.done, seen.text = status == "True", k.Name+" is ready: "+status
	return seen, nil
}

func replicasOf(obj *object) (desired, ready int, ok bool) {
	if n, has, _ := unstructured.NestedInt64(obj.Object, "status", "desiredNumberScheduled"); has {
		r, _, _ := unstructured.NestedInt64(obj.Object, "status", "numberReady")
		return int(n), int(r), true
	}
	n, has, _ := unstructured.NestedInt64(obj.Object, "spec", "replicas")
	r, _, _ := unstructured.NestedInt64(obj.Object, "status", "readyReplicas")
	return int(n), int(r), has
}

// conditionOf gives the status of the first of the conditions that the object
// has. A pod that was just made has none yet.
func conditionOf(obj *object, types ...string) string {
	conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, wanted := range types {
		for _, v := range conditions {
			m, _ := v.(map[string]any)
			if m["type"] == wanted {
				s, _ := m["status"].(string)
				return s
			}
		}
	}
	if obj.GetKind() == "Pod" {
		return "Unknown"
	}
	return ""
}

func ptr[T any](v T) *T { return &v }
