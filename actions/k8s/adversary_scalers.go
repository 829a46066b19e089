package k8s

import (
	"context"
	"fmt"
	"strconv"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

const replicasPath = "spec.replicas"

// scalers looks for who sets the number of pods. KEDA acts through an
// autoscaler that it owns: the two are one adversary.
func (q *contest) scalers(ctx context.Context) error {
	fights := q.touches(replicasPath)
	if len(fights) == 0 {
		return nil
	}
	objects, err := q.list(ctx, scaledObjects)
	if err != nil {
		return err
	}
	keda := map[string]bool{}
	for i := range objects {
		if so := &objects[i]; q.isTarget(lookup(so.Object, path{"spec", "scaleTargetRef"})) {
			keda[so.GetName()] = true
			q.keda(so, fights)
		}
	}
	list, err := q.list(ctx, autoscalers)
	if err != nil {
		return err
	}
	for i := range list {
		h, err := typed[autoscalingv2.HorizontalPodAutoscaler](&list[i])
		if err != nil {
			return err
		}
		if !q.isTarget(lookup(list[i].Object, path{"spec", "scaleTargetRef"})) {
			continue
		}
		switch owner := metav1.GetControllerOf(h); {
		case owner != nil && owner.Kind == "ScaledObject" && keda[owner.Name]:
		case owner != nil && owner.Kind == "ScaledObject":
			least, most := bounds(h)
			q.add(actions.Adversary{Controller: "KEDA", Object: q.label(scaledObjects, h.Namespace, owner.Name), Fights: fights, Suspends: true,
				Effect: fmt.Sprintf("sets it between %d and %d", least, most), Remedy: q.suspendWith("keda", h.Namespace, owner.Name)})
		default:
			q.horizontal(h, fights)
		}
	}
	return nil
}

// keda: minReplicaCount is 0 and maxReplicaCount 100 when they are left out
// (keda.sh/docs, ScaledObject specification). It starts pods again from 0 when
// a trigger is active, which an autoscaler alone does not
// (github.com/kedacore/keda/issues/3052).
func (q *contest) keda(so *object, fights []string) {
	name := q.label(scaledObjects, so.GetNamespace(), so.GetName())
	if kedaPaused(so.GetAnnotations()) {
		q.quiet("KEDA", "KEDA "+name+" is paused and leaves the replicas alone")
		return
	}
	count := func(field string, otherwise int64) int64 {
		if n, ok := lookup(so.Object, path{"spec", field}).(int64); ok {
			return n
		}
		return otherwise
	}
	least, most := count("minReplicaCount", 0), count("maxReplicaCount", 100)
	effect := fmt.Sprintf("sets it between %d and %d", least, most)
	if n, ok := wanted(q.after[replicasPath]); ok && n == 0 {
		effect += ", and starts pods again as soon as a trigger is active"
	}
	q.add(actions.Adversary{Controller: "KEDA", Object: name, Fights: fights, Effect: effect, Suspends: true,
		Remedy: q.suspendWith("keda", so.GetNamespace(), so.GetName())})
}

// kedaPaused: any value of the annotation but a false one pauses, and
// paused-replicas besides sets a number
// (kedacore/keda apis/keda/v1alpha1/scaledobject_types.go).
func kedaPaused(annotations map[string]string) bool {
	if _, ok := annotations[kedaPausedAt]; ok {
		return true
	}
	v, ok := annotations[kedaPausedFlag]
	on, err := strconv.ParseBool(v)
	return ok && (err != nil || on)
}

const (
	kedaPausedFlag = "autoscaling.keda.sh/paused"
	kedaPausedAt   = "autoscaling.keda.sh/paused-replicas"
)

// horizontal: at 0 replicas an autoscaler with a minimum above 0 does nothing
// until somebody sets another number. Otherwise it corrects a number outside
// its bounds at once, and even when both directions are disabled; only within
// them do metrics and policies decide
// (kubernetes/kubernetes pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler).
func (q *contest) horizontal(h *autoscalingv2.HorizontalPodAutoscaler, fights []string) {
	least, most := bounds(h)
	n, known := wanted(q.after[replicasPath])
	name := q.label(autoscalers, h.Namespace, h.Name)
	if known && n == 0 && least > 0 {
		q.quiet(autoscalerName, fmt.Sprintf("autoscaler %s switches itself off at 0 replicas, and stays off until they are set to another number", h.Name))
		return
	}
	a := actions.Adversary{Controller: autoscalerName, Object: name, Fights: fights, Suspends: true,
		Effect: fmt.Sprintf("sets it between %d and %d", least, most), Remedy: q.suspendWith("hpa", h.Namespace, h.Name)}
	outside := !known || n < int64(least) || n > int64(most)
	if held(h) {
		if !outside {
			q.quiet(autoscalerName, fmt.Sprintf("autoscaler %s is suspended and leaves the replicas alone between %d and %d", h.Name, least, most))
			return
		}
		a.Effect, a.Suspends = fmt.Sprintf("is suspended, and still keeps it between %d and %d", least, most), false
		a.Remedy = "choose a number within its bounds, or change them before"
	} else if outside && known {
		a.Effect += " at once"
		a.Remedy = "choose a number within its bounds, or change them before: its bounds hold even when it is suspended"
		a.Suspends = false
	}
	q.add(a)
}

const autoscalerName = "HorizontalPodAutoscaler"

func bounds(h *autoscalingv2.HorizontalPodAutoscaler) (least, most int32) {
	least = 1 // when it is left out
	if h.Spec.MinReplicas != nil {
		least = *h.Spec.MinReplicas
	}
	return least, h.Spec.MaxReplicas
}

// held says whether an autoscaler may scale in neither direction.
func held(h *autoscalingv2.HorizontalPodAutoscaler) bool {
	off := func(r *autoscalingv2.HPAScalingRules) bool {
		return r != nil && r.SelectPolicy != nil && *r.SelectPolicy == autoscalingv2.DisabledPolicySelect
	}
	b := h.Spec.Behavior //nolint:misspell // the name of the field
	return b != nil && off(b.ScaleUp) && off(b.ScaleDown)
}

// wanted reads a number of replicas.
func wanted(v any) (int64, bool) {
	n, ok := v.(int64)
	return n, ok
}
