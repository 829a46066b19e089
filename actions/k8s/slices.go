package k8s

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// endpoint is one endpoint of a Service with the pod behind it.
type endpoint struct {
	ready       bool
	terminating bool
	address     string
	pod         *corev1.Pod // nil when it is not a pod, or the pod is gone
}

// endpointsOf gives the endpoints of a Service over all its slices, each pod
// once: a pod with two address families has an endpoint in a slice of each.
func (cl *Cluster) endpointsOf(ctx context.Context, service string) ([]endpoint, error) {
	found, err := cl.API.EndpointSlices(cl.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: discovery.LabelServiceName + "=" + service})
	if err != nil {
		return nil, explain(ctx, err, "listing endpoints of service "+service)
	}
	pods, err := cl.pods(ctx, &metav1.LabelSelector{})
	if err != nil {
		return nil, err
	}
	byUID := map[types.UID]*corev1.Pod{}
	for i := range pods {
		byUID[pods[i].UID] = &pods[i]
	}
	var out []endpoint
	seen := map[string]bool{}
	for _, slice := range found.Items {
		for _, e := range slice.Endpoints {
			one := asEndpoint(e, byUID)
			id := one.address
			if one.pod != nil {
				id = string(one.pod.UID)
			}
			if !seen[id] {
				seen[id] = true
				out = append(out, one)
			}
		}
	}
	return out, nil
}

// asEndpoint joins by UID: a name may have been used again. A condition that is
// not given means ready, as the API says.
func asEndpoint(e discovery.Endpoint, pods map[types.UID]*corev1.Pod) endpoint {
	out := endpoint{
		ready:       e.Conditions.Ready == nil || *e.Conditions.Ready,
		terminating: e.Conditions.Terminating != nil && *e.Conditions.Terminating,
	}
	if len(e.Addresses) > 0 {
		out.address = e.Addresses[0]
	}
	if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
		out.pod = pods[e.TargetRef.UID]
	}
	return out
}

func readyEndpoints(list []endpoint) int {
	n := 0
	for _, e := range list {
		if e.ready {
			n++
		}
	}
	return n
}
