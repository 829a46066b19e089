package k8s

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/runbackhq/runback/actions"
)

func (w *world) ingress(name, service, port string, more ...func(*networking.Ingress)) {
	w.t.Helper()
	kind := networking.PathTypePrefix
	ing := &networking.Ingress{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networking.IngressSpec{Rules: []networking.IngressRule{{
		Host: "app.example.com",
		IngressRuleValue: networking.IngressRuleValue{HTTP: &networking.HTTPIngressRuleValue{Paths: []networking.HTTPIngressPath{{
			Path: "/", PathType: &kind, Backend: networking.IngressBackend{Service: &networking.IngressServiceBackend{
				Name: service, Port: networking.ServiceBackendPort{Name: port}}},
		}}}},
	}}}}
	for _, f := range more {
		f(ing)
	}
	if _, err := w.typed.NetworkingV1().Ingresses(w.cl.Namespace).Create(w.ctx(), ing, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func problems(out actions.Outputs) string { return fmt.Sprint(out["problems"]) }

// Each place at which the way from an Ingress to the pods can end is named.
func TestIngressSaysWhereTheWayEnds(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	w.deploy("bad", "myapp:1.5.0-unready", 1)
	w.service("good", map[string]string{"track": "app"})
	w.service("empty", map[string]string{"track": "nobody"})
	w.service("unready", map[string]string{"track": "bad"})
	odd := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "odd"}, Spec: corev1.ServiceSpec{
		Selector: map[string]string{"track": "app"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("grpc")}}}}
	if _, err := w.typed.CoreV1().Services(w.cl.Namespace).Create(w.ctx(), odd, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	class := "nobody-takes-this"
	for name, c := range map[string]struct {
		service, port, says string
		more                func(*networking.Ingress)
	}{
		"well":       {"good", "http", "[]", nil},
		"noservice":  {"gone", "http", "service gone, which is not there", nil},
		"noport":     {"good", "grpc", "port grpc of service good, which has no such port", nil},
		"nobody":     {"empty", "http", "no endpoint is ready (0 are not)", nil},
		"unready":    {"unready", "http", "no endpoint is ready (1 are not)", nil},
		"targetport": {"odd", "http", "no endpoint is ready", nil},
		"noclass":    {"good", "http", "its class nobody-takes-this is not there", func(i *networking.Ingress) { i.Spec.IngressClassName = &class }},
		"nocert": {"good", "http", "secret cert with the certificate is not there", func(i *networking.Ingress) {
			i.Spec.TLS = []networking.IngressTLS{{Hosts: []string{"app.example.com"}, SecretName: "cert"}}
		}},
	} {
		more := c.more
		if more == nil {
			more = func(*networking.Ingress) {}
		}
		w.ingress(name, c.service, c.port, more)
		var out actions.Outputs
		w.eventually(name+" is told", func() bool {
			out = w.do("k8s.ingress", values{"name": name})
			return strings.Contains(problems(out), c.says)
		})
		unserved := name != "well" && name != "noclass" && name != "nocert"
		if (out["unserved"] != 0) != unserved || out["found"] != true {
			t.Errorf("%s: %v", name, out)
		}
	}
	well := w.do("k8s.ingress", values{"name": "well"})
	if b := well["backends"].([]any)[0].(map[string]any); b["ready"] != 2 || b["target"] != "http" || b["host"] != "app.example.com" {
		t.Errorf("%v", b)
	}
	if noClass := w.do("k8s.ingress", values{"name": "noclass"}); noClass["class_found"] != false {
		t.Errorf("%v", noClass)
	}
	if out := w.do("k8s.ingress", values{"name": "nowhere"}); out["found"] != false {
		t.Errorf("%v", out)
	}
	if out := w.do("k8s.describe", values{"kind": "ingress", "name": "noservice"}); !strings.Contains(problems(out), "which is not there") {
		t.Errorf("%v", out)
	}
}

// A certificate without its key is none, and no value of the Secret is told.
func TestIngressCertificate(t *testing.T) {
	w := newWorld(t)
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "cert"}, Data: map[string][]byte{corev1.TLSCertKey: []byte("hunter2"), corev1.TLSPrivateKeyKey: []byte("hunter3")}}
	if _, err := w.typed.CoreV1().Secrets(w.cl.Namespace).Create(w.ctx(), s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.ingress("app", "gone", "http", func(i *networking.Ingress) { i.Spec.TLS = []networking.IngressTLS{{SecretName: "cert"}} })
	out := w.do("k8s.ingress", values{"name": "app"})
	if !strings.Contains(problems(out), "has no certificate with its key") || strings.Contains(fmt.Sprint(out), "hunter") {
		t.Errorf("%v", out)
	}
}

func (w *world) httpRoute(name string, refs ...any) {
	w.t.Helper()
	r := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"parentRefs": []any{map[string]any{"name": "nobody"}}, "rules": []any{map[string]any{"backendRefs": refs}}},
	}}
	if _, err := w.cl.API.Dynamic.Resource(httpRoutes.gvr()).Namespace(w.cl.Namespace).Create(w.ctx(), r, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// A route that no gateway took leads nowhere, whatever is behind it; a backend
// of weight 0 is missed by nobody, and one without a weight has 1.
func TestIngressOfARoute(t *testing.T) {
	w := newWorld(t)
	w.service("empty", map[string]string{"track": "nobody"})
	ref := func(weight any) map[string]any {
		m := map[string]any{"name": "empty", "port": int64(80)}
		if weight != nil {
			m["weight"] = weight
		}
		return m
	}
	w.httpRoute("app", ref(int64(0)), ref(nil))
	out := w.do("k8s.ingress", values{"route": "app"})
	if out["unserved"] != 1 || !strings.Contains(problems(out), "no gateway has taken the route") || !strings.Contains(problems(out), "no endpoint is ready") {
		t.Errorf("%v", out)
	}
	if b := out["backends"].([]any); b[0].(map[string]any)["weight"] != 0 || b[1].(map[string]any)["weight"] != 1 {
		t.Errorf("%v", b)
	}
	_, err := w.must("k8s.ingress", values{}).run()
	wantKind(t, err, actions.KindInvalid, "exactly one of name and route")
}
