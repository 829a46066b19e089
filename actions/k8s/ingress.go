package k8s

import (
	"context"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
)

type ingressIn struct {
	Name  string `json:"name,omitempty" doc:"name of the Ingress; one of name and route is needed"`
	Route string `json:"route,omitempty" doc:"name of an HTTPRoute of the Gateway API to look at instead"`
}

type ingressOut struct {
	Found      bool          `json:"found" doc:"whether there is such an object"`
	Class      string        `json:"class" doc:"class of the Ingress: which controller takes it; empty when it names none"`
	ClassFound *bool         `json:"class_found" doc:"whether there is such a class; unknown when none is named or classes may not be read"`
	Addresses  []string      `json:"addresses" doc:"addresses that its controller gave it"`
	Backends   []destination `json:"backends" doc:"where each host and path leads"`
	TLS        []tlsState    `json:"tls" doc:"certificates"`
	Parents    []parent      `json:"parents" doc:"what the gateways of an HTTPRoute say of it"`
	Unserved   int           `json:"unserved" doc:"number of backends that get traffic and have no ready endpoint"`
	Problems   []string      `json:"problems" doc:"what is wrong, in words; empty when nothing is seen to be"`
	Notes      []string      `json:"notes" doc:"what could not be checked, and what is usual in one cluster and wrong in another"`

	seen map[string]*served
}

type destination struct {
	Host     string `json:"host" doc:"name of the host; empty for any"`
	Path     string `json:"path" doc:"path; empty for what no rule takes"`
	Service  string `json:"service" doc:"name of the Service"`
	Port     string `json:"port" doc:"port of the Service, by number or name"`
	Exists   bool   `json:"exists" doc:"whether there is such a Service"`
	HasPort  bool   `json:"has_port" doc:"whether the Service has that port"`
	Target   string `json:"target" doc:"port of the pods that it leads to"`
	Ready    *int   `json:"ready" doc:"number of ready endpoints that have the port; unknown when it does not come that far"`
	NotReady *int   `json:"not_ready" doc:"number of endpoints that are not ready"`
	Weight   *int   `json:"weight" doc:"weight of the backend of an HTTPRoute; unknown for an Ingress"`
}

type tlsState struct {
	Hosts   []string `json:"hosts" doc:"hosts that the certificate is for"`
	Secret  string   `json:"secret" doc:"name of the Secret"`
	Present *bool    `json:"present" doc:"whether the Secret is there with a certificate and a key; unknown when it may not be read"`
	Expires string   `json:"expires" doc:"when the certificate ends; empty when that is not known"`
}

type parent struct {
	Gateway  string `json:"gateway" doc:"name of the gateway"`
	Accepted *bool  `json:"accepted" doc:"whether the gateway takes the route as it is now; unknown when it has not come to it yet"`
	Resolved *bool  `json:"resolved" doc:"whether the gateway finds all backends; unknown when it has not come to it yet"`
	Reason   string `json:"reason" doc:"why it does not"`
}

type ingressLook struct{ family }

func ingressAction(f family) actions.Action {
	return actions.Define(actions.Def[ingressIn, struct{}, ingressOut]{
		Name:    "k8s.ingress",
		Summary: "Follow an Ingress or HTTPRoute to the pods: class, rules, Services, ports, ready endpoints, certificates; tell what is wrong on the way.",
		Effect:  actions.Observe,
		Run:     ingressLook{f}.run,
		Tell:    tellIngress,
		Examples: []actions.Example{
			{Title: "Verify an Ingress", YAML: "uses: k8s.ingress\nwith: {name: app-ingress}\nexpect: len(outputs.problems) == 0"},
			{Title: "Verify a route of the Gateway API", YAML: "uses: k8s.ingress\nwith: {route: app-route}"},
		},
	})
}

func (a ingressLook) run(ctx context.Context, c *actions.Call, in ingressIn, _ struct{}) (ingressOut, error) {
	out := newIngressOut()
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	if (in.Name == "") == (in.Route == "") {
		return out, actions.Invalid("name the Ingress with name, or the HTTPRoute with route", "exactly one of name and route is needed")
	}
	k, name := ingresses, in.Name
	if in.Route != "" {
		k, name = httpRoutes, in.Route
		if _, known, err := cl.served(ctx, k); err != nil || !known {
			return out, err
		}
	}
	obj, err := cl.find(ctx, k, name)
	if err != nil || obj == nil {
		return out, err
	}
	if in.Route != "" {
		return cl.inspectRoute(ctx, obj)
	}
	return cl.inspectIngress(ctx, obj)
}

func newIngressOut() ingressOut {
	return ingressOut{
		Addresses: []string{}, Backends: []destination{}, TLS: []tlsState{}, Parents: []parent{}, Problems: []string{}, Notes: []string{},
		seen: map[string]*served{},
	}
}

func (out *ingressOut) problem(format string, args ...any) {
	out.Problems = append(out.Problems, fmt.Sprintf(format, args...))
}

func (out *ingressOut) note(format string, args ...any) {
	out.Notes = append(out.Notes, fmt.Sprintf(format, args...))
}

func tellIngress(o ingressOut) string {
	switch {
	case !o.Found:
		return "there is none"
	case len(o.Problems) > 0:
		return strings.Join(o.Problems, "; ")
	}
	var parts []string
	for _, b := range o.Backends {
		parts = append(parts, fmt.Sprintf("%s → %s:%s, %s ready", b.where(), b.Service, b.Port, known(b.Ready)))
	}
	return strings.Join(parts, "; ")
}

func (b destination) where() string {
	if b.Host == "" && b.Path == "" {
		return "anything"
	}
	return b.Host + b.Path
}
