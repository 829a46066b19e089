package k8s

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
)

// A proxy that does not understand WebSockets is passed with SPDY.
func TestPortForwardPastAProxyWithoutWebSockets(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	server, err := url.Parse(w.cl.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	config, err := rest.TLSConfigFor(w.cl.config)
	if err != nil {
		t.Fatal(err)
	}
	config.NextProtos = []string{"http/1.1"} // SPDY is an upgrade of that
	var sockets, spdy atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.Transport = &http.Transport{TLSClientConfig: config, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
			sockets.Add(1)
			http.Error(rw, "what is this?", http.StatusBadRequest)
			return
		case r.Header.Get("Upgrade") != "":
			spdy.Add(1)
		}
		proxy.ServeHTTP(rw, r)
	}))
	defer front.Close()
	behind, err := newCluster(tune(&rest.Config{Host: front.URL}), w.cl.context, w.cl.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer behind.Close()
	*w.cl = *behind
	if out := w.do("k8s.port_forward", values{"deployment": "app"}); out["ok"] != true || sockets.Load() != 1 || spdy.Load() != 1 {
		t.Errorf("%v, %d WebSockets, %d SPDY", out, sockets.Load(), spdy.Load())
	}
}
