package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/slot"
)

// reasonHeader tells why the proxy itself answered.
const reasonHeader = "X-Sandbox-Front"

// Proxy sends requests to pods as the current table says.
type Proxy struct {
	table    atomic.Pointer[Table]
	balancer *balancer
	reverse  *httputil.ReverseProxy
}

// NewProxy makes a proxy without routes.
func NewProxy(s slot.Slot) *Proxy {
	p := &Proxy{balancer: newBalancer()}
	p.table.Store(&Table{})
	p.reverse = &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetXForwarded(); r.Out.Host = r.In.Host },
		Transport:    &tries{slot: s, base: transport()},
		ErrorHandler: answerFailure,
		// nothing of it is ours to log: the client sees the status
		ErrorLog: nil,
	}
	return p
}

func transport() *http.Transport {
	dialer := &net.Dialer{Timeout: time.Second}
	return &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
	}
}

// SetTable replaces the routes.
func (p *Proxy) SetTable(t *Table) {
	p.balancer.forget(t.rules)
	p.table.Store(t)
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	targets, code, reason := p.route(r)
	if code != 0 {
		w.Header().Set(reasonHeader, reason)
		http.Error(w, reason, code)
		return
	}
	p.reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetsKey{}, targets)))
}

// route decides which endpoints to try, or which status to answer.
func (p *Proxy) route(r *http.Request) (targets []endpoint, code int, reason string) {
	t := p.table.Load()
	u, ok := t.match(r)
	if !ok {
		return nil, http.StatusNotFound, "no route matches"
	}
	i, ok := p.balancer.pickBackend(u)
	if !ok {
		return nil, http.StatusInternalServerError, "all weights are zero"
	}
	be := u.backends[i]
	if be.invalid {
		return nil, http.StatusInternalServerError, "backend is not allowed"
	}
	port, ok := t.find(be)
	if !ok {
		return nil, http.StatusInternalServerError, fmt.Sprintf("service %s or its port does not exist", be.service.name)
	}
	key := fmt.Sprintf("%s/%s:%d", be.service.namespace, be.service.name, port.number)
	targets = p.balancer.order(key, port.endpoints)
	if len(targets) == 0 {
		return nil, http.StatusServiceUnavailable, fmt.Sprintf("service %s has no ready endpoint", be.service.name)
	}
	return targets, 0, ""
}

func (t *Table) find(be backend) (servicePort, bool) {
	for _, p := range t.services[be.service].ports {
		if (be.port.name != "" && be.port.name == p.name) || (be.port.name == "" && be.port.number == p.number) {
			return p, true
		}
	}
	return servicePort{}, false
}

type targetsKey struct{}

// tries is a transport that goes to the next endpoint when a connection fails
// before there is any answer.
type tries struct {
	slot slot.Slot
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *tries) RoundTrip(r *http.Request) (*http.Response, error) {
	targets, _ := r.Context().Value(targetsKey{}).([]endpoint)
	var failure error
	for _, target := range targets {
		bind, err := t.slot.Bind(target.address, target.port)
		if err != nil {
			failure = err
			continue
		}
		out := r.Clone(r.Context())
		out.URL = &url.URL{Scheme: "http", Host: bind, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		if r.Body != nil && r.Body != http.NoBody {
			// a try that never got a connection must not close it for the next
			out.Body = io.NopCloser(r.Body)
		}
		resp, err := t.base.RoundTrip(out)
		if err == nil {
			return resp, nil
		}
		failure = err
		if !mayRepeat(r, err) {
			break
		}
	}
	return nil, failure
}

// mayRepeat allows another try when the request cannot have reached anybody, or
// when it may reach somebody twice without harm.
func mayRepeat(r *http.Request, err error) bool {
	if r.Context().Err() != nil {
		return false
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	idempotent := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	return idempotent && (r.Body == nil || r.Body == http.NoBody)
}

func answerFailure(w http.ResponseWriter, _ *http.Request, err error) {
	code := http.StatusBadGateway
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		code = http.StatusGatewayTimeout
	}
	w.Header().Set(reasonHeader, "no endpoint answered")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, err.Error()+"\n")
}
