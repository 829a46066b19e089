package front

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
)

func svc(namespace, name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
}

func sliceOf(service string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To(int32(8080))}},
		Endpoints:   endpoints,
	}
}

func ep(address string, ready bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
}

func leavingEP(address string, serving bool) discoveryv1.Endpoint {
	e := ep(address, false)
	e.Conditions.Serving, e.Conditions.Terminating = &serving, ptr.To(true)
	return e
}

func sandboxGateway() *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gw"}}
	g.Spec.GatewayClassName = ClassName
	return g
}

// routeTo makes a route with one rule; the changes are applied in order.
func routeTo(name string, backends []gatewayv1.HTTPBackendRef, changes ...func(*gatewayv1.HTTPRoute)) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "gw"}}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: backends}}
	for _, change := range changes {
		change(r)
	}
	return r
}

func ref(name string, weight *int32) gatewayv1.HTTPBackendRef {
	var r gatewayv1.HTTPBackendRef
	r.Name, r.Port, r.Weight = gatewayv1.ObjectName(name), ptr.To(gatewayv1.PortNumber(80)), weight
	return r
}

func prefix(path string) func(*gatewayv1.HTTPRoute) {
	return func(r *gatewayv1.HTTPRoute) {
		r.Spec.Rules[0].Matches = []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: ptr.To(gatewayv1.PathMatchPathPrefix), Value: &path}}}
	}
}

func exact(path string) func(*gatewayv1.HTTPRoute) {
	return func(r *gatewayv1.HTTPRoute) {
		r.Spec.Rules[0].Matches = []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: ptr.To(gatewayv1.PathMatchExact), Value: &path}}}
	}
}

func hostname(h string) func(*gatewayv1.HTTPRoute) {
	return func(r *gatewayv1.HTTPRoute) { r.Spec.Hostnames = append(r.Spec.Hostnames, gatewayv1.Hostname(h)) }
}

func created(at time.Time) func(*gatewayv1.HTTPRoute) {
	return func(r *gatewayv1.HTTPRoute) { r.CreationTimestamp = metav1.NewTime(at) }
}

func ingressTo(service, host, path string) *networkingv1.Ingress {
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: service, Port: networkingv1.ServiceBackendPort{Name: "http"}}}
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "ing-" + service},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: path, PathType: ptr.To(networkingv1.PathTypePrefix), Backend: backend}}}}}}},
	}
}

func TestMatchPrefersTheMoreSpecific(t *testing.T) {
	one := func(name string) []gatewayv1.HTTPBackendRef { return []gatewayv1.HTTPBackendRef{ref(name, nil)} }
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	w := World{
		Gateways: []*gatewayv1.Gateway{sandboxGateway()},
		Routes: []*gatewayv1.HTTPRoute{
			routeTo("root", one("root"), created(old.Add(time.Hour))),
			routeTo("older", one("older"), created(old)),
			routeTo("shop", one("shop"), prefix("/shop")),
			routeTo("cart", one("cart"), exact("/shop/cart")),
			routeTo("host", one("host"), hostname("a.example.com")),
			routeTo("wild", one("wild"), hostname("*.example.com")),
			routeTo("post", one("post"), func(r *gatewayv1.HTTPRoute) {
				r.Spec.Rules[0].Matches = []gatewayv1.HTTPRouteMatch{{Method: ptr.To(gatewayv1.HTTPMethodPost)}}
			}),
		},
		Ingresses: []*networkingv1.Ingress{ingressTo("ing", "", "/shop/cart/deep"), ingressTo("only", "ingress.test", "/")},
	}
	table := Build(w)
	for _, c := range []struct{ method, host, path, want string }{
		{"GET", "x.test", "/", "older"},
		{"POST", "x.test", "/", "post"},
		{"GET", "x.test", "/shop", "shop"},
		{"GET", "x.test", "/shop/x", "shop"},
		{"GET", "x.test", "/shopping", "older"},
		{"GET", "x.test", "/shop/cart", "cart"},
		{"GET", "x.test", "/shop/cart/deep", "shop"}, // a route wins over a longer Ingress path
		{"GET", "a.example.com:8080", "/shop", "host"},
		{"GET", "b.example.com", "/", "wild"},
		{"GET", "example.com", "/", "older"},
	} {
		r := httptest.NewRequest(c.method, "http://"+c.host+c.path, nil)
		u, ok := table.match(r)
		if !ok || u.backends[0].service.name != c.want {
			t.Errorf("%s %s%s goes to %+v, want %s", c.method, c.host, c.path, u.backends, c.want)
		}
	}
}

func TestRouteWithoutGatewayLeavesTheIngress(t *testing.T) {
	w := World{
		Routes:    []*gatewayv1.HTTPRoute{routeTo("r", []gatewayv1.HTTPBackendRef{ref("routed", nil)})},
		Ingresses: []*networkingv1.Ingress{ingressTo("ing", "", "/")},
	}
	u, ok := Build(w).match(httptest.NewRequest(http.MethodGet, "/", nil))
	if !ok || u.backends[0].service.name != "ing" {
		t.Errorf("goes to %+v", u.backends)
	}
}

func TestUsableEndpoints(t *testing.T) {
	unset := discoveryv1.Endpoint{Addresses: []string{"192.0.2.9"}}
	for _, c := range []struct {
		name string
		all  []discoveryv1.Endpoint
		want []string
	}{
		{"ready ones only", []discoveryv1.Endpoint{ep("192.0.2.2", true), ep("192.0.2.3", false)}, []string{"192.0.2.2"}},
		{"unknown is ready", []discoveryv1.Endpoint{unset}, []string{"192.0.2.9"}},
		{"none", []discoveryv1.Endpoint{ep("192.0.2.3", false)}, nil},
		{"ready before leaving", []discoveryv1.Endpoint{leavingEP("192.0.2.4", true), ep("192.0.2.5", true)}, []string{"192.0.2.5"}},
		{"leaving when nothing else", []discoveryv1.Endpoint{leavingEP("192.0.2.4", true), leavingEP("192.0.2.6", false)}, []string{"192.0.2.4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := Build(World{Services: []*corev1.Service{svc("default", "a")}, Slices: []*discoveryv1.EndpointSlice{sliceOf("a", c.all...)}})
			port, ok := table.find(backend{service: serviceKey{"default", "a"}, port: portRef{number: 80}})
			if !ok {
				t.Fatal("no port")
			}
			var got []string
			for _, e := range usableEndpoints(port.endpoints) {
				got = append(got, e.address)
			}
			if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestReferenceAcrossNamespacesNeedsGrant(t *testing.T) {
	r := routeTo("r", []gatewayv1.HTTPBackendRef{ref("a", nil)})
	r.Spec.Rules[0].BackendRefs[0].Namespace = ptr.To(gatewayv1.Namespace("other"))
	w := World{
		Gateways: []*gatewayv1.Gateway{sandboxGateway()}, Services: []*corev1.Service{svc("other", "a")},
		Routes: []*gatewayv1.HTTPRoute{r},
	}
	if ok, why, _ := w.resolved(r); ok || why != gatewayv1.RouteReasonRefNotPermitted {
		t.Errorf("without a grant: %v %s", ok, why)
	}
	p := NewProxy(testSlot())
	p.SetTable(Build(w))
	if _, code, _ := p.route(httptest.NewRequest(http.MethodGet, "/", nil)); code != http.StatusInternalServerError {
		t.Errorf("answered %d", code)
	}
	g := &gatewayv1beta1.ReferenceGrant{ObjectMeta: metav1.ObjectMeta{Namespace: "other"}}
	g.Spec.From = []gatewayv1beta1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: "default"}}
	g.Spec.To = []gatewayv1beta1.ReferenceGrantTo{{Kind: "Service"}}
	w.Grants = []*gatewayv1beta1.ReferenceGrant{g}
	if ok, why, _ := w.resolved(r); !ok {
		t.Errorf("with a grant: %s", why)
	}
}

func TestUnsupportedRouteIsRefused(t *testing.T) {
	r := routeTo("r", []gatewayv1.HTTPBackendRef{ref("a", nil)})
	r.Spec.Rules[0].Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestMirror}}
	w := World{Gateways: []*gatewayv1.Gateway{sandboxGateway()}, Routes: []*gatewayv1.HTTPRoute{r}}
	next, changed := w.routeStatus(r)
	if !changed || len(next.Status.Parents) != 1 {
		t.Fatalf("status %+v", next.Status)
	}
	if c := next.Status.Parents[0].Conditions[0]; c.Status != metav1.ConditionFalse || c.Reason != string(gatewayv1.RouteReasonUnsupportedValue) {
		t.Errorf("accepted: %+v", c)
	}
	if again, changed := (World{Gateways: w.Gateways, Routes: []*gatewayv1.HTTPRoute{next}}).routeStatus(next); changed {
		t.Errorf("a second look writes again: %+v", again.Status)
	}
}
