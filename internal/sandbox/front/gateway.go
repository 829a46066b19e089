package front

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// routeRules turns an HTTPRoute into rules, one for each match and host name.
func (w World) routeRules(r *gatewayv1.HTTPRoute) []rule {
	var out []rule
	hosts := []string{""}
	if len(r.Spec.Hostnames) > 0 {
		hosts = nil
		for _, h := range r.Spec.Hostnames {
			hosts = append(hosts, strings.ToLower(string(h)))
		}
	}
	for i, spec := range r.Spec.Rules {
		backends, id := w.routeBackends(r, spec)
		matches := spec.Matches
		if len(matches) == 0 {
			matches = []gatewayv1.HTTPRouteMatch{{}}
		}
		for _, m := range matches {
			for _, host := range hosts {
				u := ruleFrom(m)
				// one id for all matches of a rule: they share its shares
				u.id = fmt.Sprintf("route/%s/%s/%d/%s", r.Namespace, r.Name, i, id)
				u.gateway, u.host, u.age, u.backends = true, host, r.CreationTimestamp.UnixNano(), backends
				out = append(out, u)
			}
		}
	}
	return out
}

func ruleFrom(m gatewayv1.HTTPRouteMatch) rule {
	u := rule{path: "/"}
	if m.Path != nil {
		if m.Path.Value != nil {
			u.path = *m.Path.Value
		}
		u.exact = m.Path.Type != nil && *m.Path.Type == gatewayv1.PathMatchExact
	}
	if m.Method != nil {
		u.method = string(*m.Method)
	}
	for _, h := range m.Headers {
		if u.headers == nil {
			u.headers = map[string]string{}
		}
		u.headers[string(h.Name)] = h.Value
	}
	return u
}

// routeBackends also returns a text that changes with the shares.
func (w World) routeBackends(r *gatewayv1.HTTPRoute, spec gatewayv1.HTTPRouteRule) ([]backend, string) {
	var out []backend
	var id strings.Builder
	for _, ref := range spec.BackendRefs {
		be := backend{weight: 1, service: serviceKey{r.Namespace, string(ref.Name)}}
		if ref.Weight != nil {
			be.weight = int(*ref.Weight)
		}
		if ref.Namespace != nil {
			be.service.namespace = string(*ref.Namespace)
		}
		if ref.Port != nil {
			be.port.number = *ref.Port
		}
		reason, _ := w.checkRef(r, ref)
		be.invalid = reason != "" && reason != gatewayv1.RouteReasonBackendNotFound
		out = append(out, be)
		fmt.Fprintf(&id, "%s=%d,", be.service.name, be.weight)
	}
	return out, id.String()
}

// checkRef says what is wrong with a reference to a backend.
func (w World) checkRef(r *gatewayv1.HTTPRoute, ref gatewayv1.HTTPBackendRef) (gatewayv1.RouteConditionReason, string) {
	if ref.Kind != nil && *ref.Kind != "Service" || ref.Group != nil && *ref.Group != "" {
		return gatewayv1.RouteReasonInvalidKind, fmt.Sprintf("backend %s is not a Service", ref.Name)
	}
	namespace := r.Namespace
	if ref.Namespace != nil {
		namespace = string(*ref.Namespace)
	}
	if namespace != r.Namespace && !w.granted(r.Namespace, namespace, string(ref.Name)) {
		return gatewayv1.RouteReasonRefNotPermitted, fmt.Sprintf("no ReferenceGrant in namespace %s allows service %s", namespace, ref.Name)
	}
	for _, s := range w.Services {
		if s.Namespace == namespace && s.Name == string(ref.Name) {
			return portExists(s, ref)
		}
	}
	return gatewayv1.RouteReasonBackendNotFound, fmt.Sprintf("service %s/%s does not exist", namespace, ref.Name)
}

func portExists(s *corev1.Service, ref gatewayv1.HTTPBackendRef) (gatewayv1.RouteConditionReason, string) {
	for _, p := range s.Spec.Ports {
		if ref.Port != nil && p.Port == *ref.Port {
			return "", ""
		}
	}
	return gatewayv1.RouteReasonBackendNotFound, fmt.Sprintf("service %s/%s has no such port", s.Namespace, s.Name)
}

func (w World) granted(from, to, name string) bool {
	for _, g := range w.Grants {
		if g.Namespace != to {
			continue
		}
		var fromOK, toOK bool
		for _, f := range g.Spec.From {
			fromOK = fromOK || (f.Kind == "HTTPRoute" && f.Group == gatewayv1.GroupName && string(f.Namespace) == from)
		}
		for _, t := range g.Spec.To {
			toOK = toOK || (t.Kind == "Service" && t.Group == "" && (t.Name == nil || string(*t.Name) == name))
		}
		if fromOK && toOK {
			return true
		}
	}
	return false
}

// accepts says whether a route is served at all, and if not, why.
func (w World) accepts(r *gatewayv1.HTTPRoute) (bool, gatewayv1.RouteConditionReason, string) {
	if len(w.parents(r)) == 0 {
		return false, gatewayv1.RouteReasonNoMatchingParent, "no parent is a Gateway of the sandbox"
	}
	for _, spec := range r.Spec.Rules {
		if len(spec.Filters) > 0 {
			return false, gatewayv1.RouteReasonUnsupportedValue, "the sandbox supports no filters"
		}
		for _, m := range spec.Matches {
			if m.Path != nil && m.Path.Type != nil && *m.Path.Type == gatewayv1.PathMatchRegularExpression || len(m.QueryParams) > 0 {
				return false, gatewayv1.RouteReasonUnsupportedValue, "the sandbox supports path prefixes, exact paths, methods and headers only"
			}
		}
	}
	return true, gatewayv1.RouteReasonAccepted, "the sandbox serves this route"
}

// parents are the references of a route to gateways that exist here.
func (w World) parents(r *gatewayv1.HTTPRoute) []gatewayv1.ParentReference {
	var out []gatewayv1.ParentReference
	for _, ref := range r.Spec.ParentRefs {
		namespace := r.Namespace
		if ref.Namespace != nil {
			namespace = string(*ref.Namespace)
		}
		for _, g := range w.Gateways {
			if g.Namespace == namespace && g.Name == string(ref.Name) && string(g.Spec.GatewayClassName) == ClassName {
				out = append(out, ref)
			}
		}
	}
	return out
}
