package k8s

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/runbackhq/runback/actions"
)

type endpointsIn struct {
	Service   string            `json:"service" doc:"name of the Service"`
	Candidate map[string]string `json:"candidate,omitempty" doc:"selector to try out: counts the pods that the Service would have with it"`
}

type endpointsOut struct {
	Exists      bool              `json:"exists" doc:"whether there is such a Service"`
	Selector    map[string]string `json:"selector" doc:"selector of the Service"`
	Ready       int               `json:"ready" doc:"number of ready endpoints: those that get traffic"`
	NotReady    int               `json:"not_ready" doc:"number of endpoints that are not ready"`
	Terminating int               `json:"terminating" doc:"number of endpoints whose pod is being ended"`
	ByVersion   map[string]int    `json:"by_version" doc:"ready endpoints by the label version of their pod"`
	ByHash      map[string]int    `json:"by_hash" doc:"ready endpoints by pod-template hash"`
	Images      map[string]int    `json:"images" doc:"ready endpoints by the image of their pod's first container"`
	Pods        []endpointPod     `json:"pods" doc:"endpoints, one by one"`

	CandidateReady *int `json:"candidate_ready" doc:"number of ready pods that the candidate selector matches; unknown without a candidate"`
	CandidateTotal *int `json:"candidate_total" doc:"number of pods that the candidate selector matches"`
}

type endpointPod struct {
	Pod         string `json:"pod" doc:"name of the pod; empty when the endpoint is none"`
	Address     string `json:"address" doc:"address that traffic is sent to"`
	Ready       bool   `json:"ready" doc:"whether it gets traffic"`
	Terminating bool   `json:"terminating" doc:"whether the pod is being ended"`
	Version     string `json:"version" doc:"label version of the pod"`
	Hash        string `json:"hash" doc:"pod-template hash of the pod"`
	Image       string `json:"image" doc:"image of the pod's first container"`
}

type endpoints struct{ family }

func endpointsAction(f family) actions.Action {
	return actions.Define(actions.Def[endpointsIn, struct{}, endpointsOut]{
		Name:    "k8s.endpoints",
		Summary: "Tell which pods a Service sends traffic to, and try out another selector.",
		Effect:  actions.Observe,
		Run:     endpoints{f}.run,
		Tell:    tellEndpoints,
		Examples: []actions.Example{
			{Title: "See who serves", YAML: "uses: k8s.endpoints\nwith: {service: app-service}"},
			{Title: "Try out a selector before it is set", YAML: "uses: k8s.endpoints\nwith:\n  service: app-service\n  candidate: {app: myapp, version: stable}\nexpect: outputs.candidate_ready >= 1"},
		},
	})
}

func (a endpoints) run(ctx context.Context, c *actions.Call, in endpointsIn, _ struct{}) (endpointsOut, error) {
	out := endpointsOut{
		Selector: map[string]string{}, Pods: []endpointPod{},
		ByVersion: map[string]int{}, ByHash: map[string]int{}, Images: map[string]int{},
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	if err := out.tryOut(ctx, cl, in.Candidate); err != nil {
		return out, err
	}
	obj, err := cl.find(ctx, services, in.Service)
	if err != nil || obj == nil {
		return out, err
	}
	svc, err := typed[corev1.Service](obj)
	if err != nil {
		return out, err
	}
	out.Exists = true
	if svc.Spec.Selector != nil {
		out.Selector = svc.Spec.Selector
	}
	found, err := cl.endpointsOf(ctx, in.Service)
	if err != nil {
		return out, err
	}
	for _, e := range found {
		out.add(e)
	}
	return out, nil
}

func (out *endpointsOut) tryOut(ctx context.Context, cl *Cluster, candidate map[string]string) error {
	if len(candidate) == 0 {
		return nil
	}
	good, bad, err := cl.matched(ctx, labels.Set(candidate))
	if err != nil {
		return err
	}
	out.CandidateReady, out.CandidateTotal = &good, ptr(good+bad)
	return nil
}

func (out *endpointsOut) add(e endpoint) {
	p := endpointPod{Address: e.address, Ready: e.ready, Terminating: e.terminating}
	if e.pod != nil {
		p.Pod, p.Version, p.Hash = e.pod.Name, e.pod.Labels["version"], e.pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		p.Image = e.pod.Spec.Containers[0].Image
	}
	out.Pods = append(out.Pods, p)
	switch {
	case e.terminating:
		out.Terminating++
	case !e.ready:
		out.NotReady++
	}
	if !e.ready {
		return
	}
	out.Ready++
	if e.pod != nil {
		out.ByVersion[p.Version]++
		out.ByHash[p.Hash]++
		out.Images[p.Image]++
	}
}
