package front

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
)

// World is what the proxy knows of the cluster.
type World struct {
	Services  []*corev1.Service
	Slices    []*discoveryv1.EndpointSlice
	Ingresses []*networkingv1.Ingress
	Routes    []*gatewayv1.HTTPRoute
	Gateways  []*gatewayv1.Gateway
	Classes   []*gatewayv1.GatewayClass
	Grants    []*gatewayv1beta1.ReferenceGrant
}

// Build makes the table for a state of the cluster.
func Build(w World) *Table {
	t := &Table{services: buildServices(w)}
	for _, r := range w.Routes {
		if accepted, _, _ := w.accepts(r); accepted {
			t.rules = append(t.rules, w.routeRules(r)...)
		}
	}
	for _, ing := range w.Ingresses {
		t.rules = append(t.rules, ingressRules(ing)...)
	}
	slices.SortStableFunc(t.rules, func(a, b rule) int {
		switch {
		case a.before(b):
			return -1
		case b.before(a):
			return 1
		}
		return 0
	})
	return t
}

func buildServices(w World) map[serviceKey]service {
	out := map[serviceKey]service{}
	bySvc := map[serviceKey][]*discoveryv1.EndpointSlice{}
	for _, s := range w.Slices {
		key := serviceKey{s.Namespace, s.Labels[discoveryv1.LabelServiceName]}
		bySvc[key] = append(bySvc[key], s)
	}
	for _, s := range w.Services {
		key := serviceKey{s.Namespace, s.Name}
		var ports []servicePort
		for _, p := range s.Spec.Ports {
			ports = append(ports, servicePort{name: p.Name, number: p.Port, endpoints: endpointsOf(bySvc[key], p.Name)})
		}
		out[key] = service{ports: ports}
	}
	return out
}

func endpointsOf(all []*discoveryv1.EndpointSlice, portName string) []endpoint {
	var out []endpoint
	seen := map[string]bool{}
	for _, s := range all {
		port := 0
		for _, p := range s.Ports {
			if p.Port != nil && (p.Name == nil && portName == "" || p.Name != nil && *p.Name == portName) {
				port = int(*p.Port)
			}
		}
		if port == 0 || s.AddressType != discoveryv1.AddressTypeIPv4 {
			continue
		}
		for _, e := range s.Endpoints {
			// while slices are reshuffled an address may be in two of them
			if len(e.Addresses) == 0 || seen[e.Addresses[0]] {
				continue
			}
			seen[e.Addresses[0]] = true
			out = append(out, endpointFrom(e, port))
		}
	}
	slices.SortFunc(out, func(a, b endpoint) int { return cmp.Compare(a.address, b.address) })
	return out
}

// endpointFrom reads the conditions with their documented defaults.
func endpointFrom(e discoveryv1.Endpoint, port int) endpoint {
	ready := e.Conditions.Ready == nil || *e.Conditions.Ready
	serving := ready
	if e.Conditions.Serving != nil {
		serving = *e.Conditions.Serving
	}
	return endpoint{
		address: e.Addresses[0], port: port, ready: ready, serving: serving,
		terminating: e.Conditions.Terminating != nil && *e.Conditions.Terminating,
	}
}

func ingressRules(ing *networkingv1.Ingress) []rule {
	var out []rule
	add := func(host, path string, exact bool, b *networkingv1.IngressBackend) {
		if b == nil || b.Service == nil {
			return
		}
		be := backend{
			service: serviceKey{ing.Namespace, b.Service.Name}, weight: 1,
			port: portRef{number: b.Service.Port.Number, name: b.Service.Port.Name},
		}
		out = append(out, rule{
			id:   fmt.Sprintf("ingress/%s/%s/%s%s", ing.Namespace, ing.Name, host, path),
			host: host, path: path, exact: exact, age: ing.CreationTimestamp.UnixNano(), backends: []backend{be},
		})
	}
	for _, r := range ing.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		for _, p := range r.HTTP.Paths {
			exact := p.PathType != nil && *p.PathType == networkingv1.PathTypeExact
			add(r.Host, cmp.Or(p.Path, "/"), exact, &p.Backend)
		}
	}
	add("", "/", false, ing.Spec.DefaultBackend)
	return out
}
