package k8s

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

type forwardIn struct {
	Pod         string `json:"pod,omitempty" doc:"name of one pod, ready or not; one of pod, deployment, statefulset, daemonset, selector and service is needed"`
	Deployment  string `json:"deployment,omitempty" doc:"name of a Deployment, of which the newest ready pod is taken"`
	StatefulSet string `json:"statefulset,omitempty" doc:"name of a StatefulSet, of which the newest ready pod is taken"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"name of a DaemonSet, of which the newest ready pod is taken"`
	Selector    string `json:"selector,omitempty" doc:"label selector, of which the newest ready pod is taken"`
	Service     string `json:"service,omitempty" doc:"name of a Service, of which one ready pod is taken: it is that pod that is asked, and neither the Service nor what is before it"`
	Port        string `json:"port,omitempty" doc:"port of the pod, by number or name; of a Service its own port. Without it the only one that is declared"`

	Scheme   string            `json:"scheme" enum:"http|https" default:"http" doc:"how the pod is asked; a certificate is not checked, since it is not for this machine"`
	Method   string            `json:"method" enum:"GET|HEAD|POST|OPTIONS" default:"GET" doc:"method of the request"`
	Path     string            `json:"path" default:"/" doc:"path of the request"`
	Host     string            `json:"host,omitempty" doc:"name of the host to ask for, in the header Host and in TLS"`
	Headers  map[string]string `json:"headers,omitempty" doc:"headers to send"`
	Status   int               `json:"status" default:"200" minimum:"100" maximum:"599" doc:"status that is expected; redirects are not followed"`
	Contains string            `json:"contains,omitempty" doc:"text that the body must contain, within its first 1 MiB"`
	Expect   map[string]string `json:"expect_headers,omitempty" doc:"headers that the answer must have, with their values"`
	Attempts int               `json:"attempts" default:"1" minimum:"1" maximum:"100" doc:"number of requests, until one passes; each over a connection of its own"`
	Every    schema.Duration   `json:"every" default:"1s" doc:"time between two requests"`
	Timeout  schema.Duration   `json:"timeout" default:"5s" doc:"time that one request may take, connecting included"`
}

type forwardOut struct {
	OK       bool   `json:"ok" doc:"whether an answer passed"`
	Pod      string `json:"pod" doc:"name of the pod that was asked"`
	UID      string `json:"uid" doc:"UID of the pod"`
	Node     string `json:"node" doc:"node that it runs on"`
	Hash     string `json:"hash" doc:"pod-template hash of the pod"`
	Image    string `json:"image" doc:"image of its first container"`
	Ready    bool   `json:"ready" doc:"whether the pod is ready"`
	Port     int    `json:"port" doc:"port of the pod"`
	Status   *int   `json:"status" doc:"last status that was answered; unknown when nothing answered"`
	Version  string `json:"version" doc:"version that it said it is, in the header X-App-Version"`
	Attempts int    `json:"attempts" doc:"number of requests made"`
	Error    string `json:"error" doc:"why the last request did not pass; empty when it did"`
}

// forwardTo is the pod that Prepare chose. A pod is named once, so that all
// attempts ask the same.
type forwardTo struct {
	Pod   string `json:"pod"`
	UID   string `json:"uid"`
	Node  string `json:"node"`
	Hash  string `json:"hash"`
	Image string `json:"image"`
	Ready bool   `json:"ready"`
	Port  int    `json:"port"`
}

type portForward struct{ family }

func portForwardAction(f family) actions.Action {
	a := portForward{f}
	return actions.Define(actions.Def[forwardIn, forwardTo, forwardOut]{
		Name:    "k8s.port_forward",
		Summary: "Ask one pod directly over HTTP, past Service and Ingress, through a port that is open only meanwhile; it proves the process and not the way to it, and a failing check is a result, not an error.",
		Effect:  actions.Observe,
		Prepare: a.prepare,
		Preview: func(_ context.Context, _ *actions.Call, in forwardIn, to forwardTo) (actions.Preview, error) {
			return actions.Preview{Label: actions.Exact, Object: "pod/" + to.Pod, Summary: fmt.Sprintf("asks %s %s at port %d", in.Method, in.Path, to.Port)}, nil
		},
		Run:  a.run,
		Tell: tellForward,
		Examples: []actions.Example{
			{Title: "Ask one pod of the stable version", YAML: "uses: k8s.port_forward\nwith: {deployment: app-stable, port: \"8080\", path: /health}\nexpect: outputs.ok"},
			{Title: "Ask behind a Service, past its Ingress", YAML: "uses: k8s.port_forward\nwith: {service: app-service, path: /ready, host: app.example.com}"},
		},
	})
}

func (a portForward) prepare(ctx context.Context, c *actions.Call, in forwardIn) (forwardTo, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return forwardTo{}, err
	}
	if !strings.HasPrefix(in.Path, "/") {
		return forwardTo{}, actions.Invalid("write it like /health", "path %q does not begin with /", in.Path)
	}
	p, port, err := in.find(ctx, cl)
	if err != nil {
		return forwardTo{}, err
	}
	return forwardTo{Pod: p.Name, UID: string(p.UID), Node: p.Spec.NodeName, Hash: p.Labels[appsv1.DefaultDeploymentUniqueLabelKey],
		Image: p.Spec.Containers[0].Image, Ready: serving(p), Port: port}, nil
}

func (a portForward) run(ctx context.Context, c *actions.Call, in forwardIn, to forwardTo) (forwardOut, error) {
	out := forwardOut{Pod: to.Pod, UID: to.UID, Node: to.Node, Hash: to.Hash, Image: to.Image, Ready: to.Ready, Port: to.Port}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	if err := to.same(ctx, cl); err != nil {
		return out, err
	}
	for out.Attempts = 1; ; out.Attempts++ {
		err := out.ask(ctx, cl, in)
		if ctx.Err() != nil {
			return out, fmt.Errorf("asking pod %s: %w", to.Pod, actions.Cause(ctx, ctx.Err()))
		}
		if err != nil {
			return out, err
		}
		if out.OK || out.Attempts >= in.Attempts {
			return out, nil
		}
		if err := c.Wait(ctx, in.Every.Std()); err != nil {
			return out, fmt.Errorf("asking pod %s: %w; last: %s", to.Pod, err, out.Error)
		}
	}
}

// same sees that the pod is still the one that was chosen: one of a StatefulSet
// that was made anew has the same name.
func (to forwardTo) same(ctx context.Context, cl *Cluster) error {
	obj, err := cl.find(ctx, podKind, to.Pod)
	if err != nil {
		return err
	}
	if obj == nil || string(obj.GetUID()) != to.UID {
		return fmt.Errorf("pod %s is not there any more", to.Pod)
	}
	return nil
}

// ask makes one request. An answer that does not pass is a result; that the
// cluster leads nobody to the pod is an error.
func (out *forwardOut) ask(ctx context.Context, cl *Cluster, in forwardIn) error {
	ctx, cancel := context.WithTimeoutCause(ctx, in.Timeout.Std(), fmt.Errorf("no answer within %s", in.Timeout))
	defer cancel()
	tunnel, err := cl.tunnel(ctx, out.Pod, out.Port)
	if err != nil {
		return err
	}
	defer tunnel.close()
	status, version, err := in.request(ctx, tunnel.address)
	out.Error, out.OK = "", err == nil
	if status != 0 {
		out.Status, out.Version = &status, version
	}
	if err != nil {
		out.Error = strings.TrimSpace(actions.Cause(ctx, err).Error() + tunnel.said(status == 0))
	}
	return nil
}

func tellForward(o forwardOut) string {
	s := fmt.Sprintf("%s (%s) answered %s", o.Pod, o.Image, known(o.Status))
	if o.Status == nil {
		s = fmt.Sprintf("%s (%s) did not answer", o.Pod, o.Image)
	} else if words := http.StatusText(*o.Status); words != "" {
		s += " " + words
	}
	if o.Version != "" {
		s += ", version " + o.Version
	}
	if o.Error != "" {
		s += "; " + o.Error
	}
	return s
}

// container gives the one that declares a port.
func containerPort(p *corev1.Pod, is func(corev1.ContainerPort) bool) (int, bool) {
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			if is(port) {
				return int(port.ContainerPort), true
			}
		}
	}
	return 0, false
}
