package k8s

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/runbackhq/runback/actions"
)

// roundTrip is what happens to a request on its way to the API server.
type roundTrip func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// through gives the same namespace, reached through a network with faults.
func (w *world) through(fault roundTrip) *world {
	w.t.Helper()
	config := tune(w.cl.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return transport(func(r *http.Request) (*http.Response, error) {
			return fault(r, func() (*http.Response, error) { return next.RoundTrip(r) })
		})
	})
	return w.over(config)
}

// over gives the same namespace by another connection.
func (w *world) over(config *rest.Config) *world {
	w.t.Helper()
	cl, err := newCluster(config, w.cl.context, w.cl.Namespace)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(cl.Close)
	reg, err := actions.NewRegistry(Actions(func(context.Context, actions.KubernetesTarget) (*Cluster, error) { return cl, nil }))
	if err != nil {
		w.t.Fatal(err)
	}
	return &world{t: w.t, cl: cl, reg: reg}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, code int, body string, header ...string) *http.Response {
	resp := &http.Response{StatusCode: code, Request: r, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == ""
}

// The write lands and its answer is lost: nothing is known, until the receipt
// is read.
func TestLostAnswer(t *testing.T) {
	for name, with := range changing() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			withHistory(w)
			faulty := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				resp, err := send()
				if isWrite(r) && err == nil {
					_ = resp.Body.Close()
					return nil, errors.New("connection reset by peer")
				}
				return resp, err
			})
			p := faulty.must(name, with)
			_, err := p.run()
			wantKind(t, err, actions.KindUnreachable)
			if v := p.probe(); v != actions.Applied {
				t.Errorf("probe: %s, want Applied", v)
			}
		})
	}
}

// The request never arrives.
func TestLostRequest(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	p := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if isWrite(r) {
			return nil, errors.New("no route to host")
		}
		return send()
	}).must("k8s.scale", values{"deployment": "app", "replicas": 2})
	_, err := p.run()
	wantKind(t, err, actions.KindUnreachable)
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("probe: %s, want NotApplied", v)
	}
}

// The client sends a request again by itself when it is told so. The second one
// runs into the first.
func TestWriteThatIsSentTwice(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	before := w.object(deployments, "app").GetGeneration()
	var writes atomic.Int32
	p := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		resp, err := send()
		if isWrite(r) && err == nil && writes.Add(1) == 1 {
			_ = resp.Body.Close()
			return answer(r, http.StatusServiceUnavailable, `{}`, "Retry-After", "0"), nil
		}
		return resp, err
	}).must("k8s.scale", values{"deployment": "app", "replicas": 2, "wait": false})
	if out := p.mustRun(); out["changed"] != true {
		t.Errorf("outputs: %v", out)
	}
	if writes.Load() < 2 {
		t.Skip("client does not send again by itself")
	}
	if after := w.object(deployments, "app").GetGeneration(); after != before+1 {
		t.Errorf("generation went from %d to %d, want one write", before, after)
	}
}

// What goes wrong after the write is a failure, and never sounds as if nothing
// had been written.
func TestErrorsAfterTheWrite(t *testing.T) {
	for name, c := range map[string]struct {
		with   values
		broken string
	}{
		"k8s.scale": {values{"deployment": "stable", "replicas": 2}, "/deployments/stable"},
		"k8s.patch": {toStable(), "/endpointslices"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			withTwoVersions(w, 1)
			var wrote atomic.Bool
			p := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				if wrote.Load() && strings.Contains(r.URL.Path, c.broken) {
					return answer(r, http.StatusUnauthorized, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":401}`), nil
				}
				resp, err := send()
				if isWrite(r) {
					wrote.Store(true)
				}
				return resp, err
			}).must(name, c.with)
			_, err := p.run()
			wantKind(t, err, actions.KindFailed, "credentials")
			if !wrote.Load() {
				t.Error("nothing was written")
			}
		})
	}
}

// A webhook with side effects makes the API server refuse dry runs. Then the
// changes are computed, and the preview says so.
func TestPreviewWithoutDryRun(t *testing.T) {
	w := newWorld(t)
	withHistory(w)
	p := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if r.URL.Query().Get("dryRun") != "" {
			return answer(r, http.StatusBadRequest, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","code":400,
				"message":"admission webhook \"x.example.com\" does not support dry run"}`), nil
		}
		return send()
	})
	for name, with := range changing() {
		exact, computed := w.must(name, with).preview(), p.must(name, with).preview()
		if computed.Label != actions.Predicted || !strings.Contains(strings.Join(computed.Notes, "\n"), "does not support dry run") {
			t.Errorf("%s: %+v", name, computed)
		}
		if a, b := summarise(exact.Changes), summarise(computed.Changes); a != b {
			t.Errorf("%s: computed %s, the API server says %s", name, b, a)
		}
	}
}
