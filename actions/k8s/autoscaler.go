package k8s

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// autoscalerNotes tells what an autoscaler will make of a number of replicas.
// Not being allowed to read autoscalers is no reason not to scale.
func (cl *Cluster) autoscalerNotes(ctx context.Context, deployment string, replicas int) ([]string, error) {
	list, err := cl.Typed.AutoscalingV2().HorizontalPodAutoscalers(cl.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		err = explain(ctx, err, "listing autoscalers")
		if actions.KindOf(err) == actions.KindUnreachable || ctx.Err() != nil {
			return nil, err
		}
		return []string{"autoscalers could not be read: " + err.Error()}, nil
	}
	var notes []string
	for _, h := range list.Items {
		ref := h.Spec.ScaleTargetRef
		if ref.Kind != "Deployment" || ref.Name != deployment {
			continue
		}
		least := int32(1)
		if h.Spec.MinReplicas != nil {
			least = *h.Spec.MinReplicas
		}
		note := fmt.Sprintf("autoscaler %s (%d to %d) will set the replicas again", h.Name, least, h.Spec.MaxReplicas)
		if replicas == 0 && least > 0 {
			// An autoscaler is inert at 0 and stays so until someone else
			// sets another number.
			note = fmt.Sprintf("autoscaler %s switches itself off at 0 replicas, and stays off until they are set to another number", h.Name)
		}
		notes = append(notes, note)
	}
	return notes, nil
}
