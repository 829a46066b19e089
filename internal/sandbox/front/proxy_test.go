package front

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/runbackhq/runback/internal/sandbox/slot"
)

// testSlot is one that no running sandbox takes.
func testSlot() slot.Slot { return slot.Slot{Number: slot.Count} }

// pod serves on the loopback address behind a pod address.
func pod(t *testing.T, address string, h http.Handler) {
	t.Helper()
	bind, err := testSlot().Bind(address, 8080)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", bind)
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	srv.Start()
	t.Cleanup(srv.Close)
}

func saying(word string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s%s", word, r.URL.Path, body)
	})
}

func proxyFor(w World) *Proxy {
	p := NewProxy(testSlot())
	p.SetTable(Build(w))
	return p
}

func ask(p http.Handler, method, path, body string) (int, string) {
	var reader io.Reader = http.NoBody
	if body != "" {
		reader = strings.NewReader(body)
	}
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, httptest.NewRequest(method, path, reader))
	return rec.Code, rec.Body.String()
}

func twoServices(weights ...*int32) World {
	return World{
		Gateways: []*gatewayv1.Gateway{sandboxGateway()},
		Services: []*corev1.Service{svc("default", "a"), svc("default", "b")},
		Slices:   []*discoveryv1.EndpointSlice{sliceOf("a", ep("192.0.2.2", true)), sliceOf("b", ep("192.0.2.3", true))},
		Routes:   []*gatewayv1.HTTPRoute{routeTo("r", []gatewayv1.HTTPBackendRef{ref("a", weights[0]), ref("b", weights[1])})},
	}
}

func TestWeights(t *testing.T) {
	pod(t, "192.0.2.2", saying("a"))
	pod(t, "192.0.2.3", saying("b"))
	for _, c := range []struct {
		a, b  *int32
		wantA int // of 100
	}{
		{ptr.To(int32(75)), ptr.To(int32(25)), 75},
		{ptr.To(int32(100)), ptr.To(int32(0)), 100},
		{ptr.To(int32(1)), ptr.To(int32(99)), 1},
		{nil, ptr.To(int32(1)), 50}, // an omitted weight is 1
	} {
		p := proxyFor(twoServices(c.a, c.b))
		got := 0
		for range 100 {
			if _, body := ask(p, "GET", "/x", ""); body == "a /x" {
				got++
			} else if body != "b /x" {
				t.Fatalf("answer %q", body)
			}
		}
		if got != c.wantA {
			t.Errorf("weights %v and %v: %d of 100 to a, want %d", c.a, c.b, got, c.wantA)
		}
	}
}

func TestWeightsHoldUnderConcurrency(t *testing.T) {
	pod(t, "192.0.2.2", saying("a"))
	pod(t, "192.0.2.3", saying("b"))
	p := proxyFor(twoServices(ptr.To(int32(3)), ptr.To(int32(1))))
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				_, body := ask(p, "GET", "/", "")
				mu.Lock()
				got[body]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if got["a /"] != 150 || got["b /"] != 50 {
		t.Errorf("got %v", got)
	}
}

func TestStatusWhenNobodyCanAnswer(t *testing.T) {
	zero, one := ptr.To(int32(0)), ptr.To(int32(1))
	for _, c := range []struct {
		name   string
		change func(*World)
		want   int
	}{
		{"no route", func(w *World) { w.Routes = nil }, 404},
		{"all weights zero", func(w *World) { w.Routes[0].Spec.Rules[0].BackendRefs[1].Weight = zero }, 500},
		{"missing service", func(w *World) { w.Services = w.Services[:1] }, 500},
		{"no endpoint", func(w *World) { w.Slices = nil }, 503},
		{"unready endpoint", func(w *World) { w.Slices[1] = sliceOf("b", ep("192.0.2.3", false)) }, 503},
		{"nobody listens", func(*World) {}, 502},
	} {
		w := twoServices(zero, one)
		c.change(&w)
		if code, body := ask(proxyFor(w), "GET", "/", ""); code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, code, body, c.want)
		}
	}
}

func TestNextEndpointWhenOneRefuses(t *testing.T) {
	pod(t, "192.0.2.4", saying("alive"))
	w := World{
		Gateways: []*gatewayv1.Gateway{sandboxGateway()}, Services: []*corev1.Service{svc("default", "a")},
		Slices: []*discoveryv1.EndpointSlice{sliceOf("a", ep("192.0.2.3", true), ep("192.0.2.4", true))},
		Routes: []*gatewayv1.HTTPRoute{routeTo("r", []gatewayv1.HTTPBackendRef{ref("a", nil)})},
	}
	p := proxyFor(w)
	for i := range 6 {
		if code, body := ask(p, "POST", "/", "!"); code != 200 || body != "alive /!" {
			t.Errorf("call %d: %d %q", i, code, body)
		}
	}
}

func TestNoSecondTryWhereOneMayHaveWorked(t *testing.T) {
	var reached atomic.Int32
	hangUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		reached.Add(1)
		panic(http.ErrAbortHandler)
	})
	pod(t, "192.0.2.5", hangUp)
	pod(t, "192.0.2.6", hangUp)
	w := World{
		Gateways: []*gatewayv1.Gateway{sandboxGateway()}, Services: []*corev1.Service{svc("default", "a")},
		Slices: []*discoveryv1.EndpointSlice{sliceOf("a", ep("192.0.2.5", true), ep("192.0.2.6", true))},
		Routes: []*gatewayv1.HTTPRoute{routeTo("r", []gatewayv1.HTTPBackendRef{ref("a", nil)})},
	}
	p := proxyFor(w)
	if code, _ := ask(p, "POST", "/", "order"); code != 502 || reached.Load() != 1 {
		t.Errorf("POST: %d after %d tries, want 502 after 1", code, reached.Load())
	}
	reached.Store(0)
	if code, _ := ask(p, "GET", "/", ""); code != 502 || reached.Load() < 2 {
		t.Errorf("GET: %d after %d tries, want 502 after both", code, reached.Load())
	}
}
