// Package front is what stands between a customer and the pods: a proxy that
// follows HTTPRoutes, Ingresses, Services and EndpointSlices as they change.
package front

import (
	"net/http"
	"strings"
)

// Table says where each request goes. It is built anew on every change and
// never modified.
type Table struct {
	rules    []rule // HTTPRoutes before Ingresses, more specific before less
	services map[serviceKey]service
}

type serviceKey struct{ namespace, name string }

// rule is one way a request can match, and the backends that share it.
type rule struct {
	id       string // names the share counters; changes when the shares do
	gateway  bool   // from an HTTPRoute, which wins over an Ingress
	host     string // empty is any; "*.example.com" any name below it
	path     string
	exact    bool
	method   string
	headers  map[string]string
	age      int64 // creation time, the older wins
	backends []backend
}

type backend struct {
	service serviceKey
	port    portRef
	weight  int
	invalid bool // a reference that is not allowed or not understood
}

// portRef is a port of a Service, by number or by name.
type portRef struct {
	number int32
	name   string
}

// service is a Service with the addresses behind each of its ports.
type service struct {
	ports []servicePort
}

type servicePort struct {
	name      string
	number    int32
	endpoints []endpoint
}

type endpoint struct {
	address     string // as in the EndpointSlice
	port        int
	ready       bool
	serving     bool
	terminating bool
}

// match finds the rule for a request.
func (t *Table) match(r *http.Request) (rule, bool) {
	host := strings.ToLower(hostOnly(r.Host))
	for _, candidate := range t.rules {
		if candidate.matches(host, r) {
			return candidate, true
		}
	}
	return rule{}, false
}

func (u rule) matches(host string, r *http.Request) bool {
	if !hostMatches(u.host, host) || !pathMatches(u.path, u.exact, r.URL.Path) {
		return false
	}
	if u.method != "" && u.method != r.Method {
		return false
	}
	for name, value := range u.headers {
		if r.Header.Get(name) != value {
			return false
		}
	}
	return true
}

func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}

func hostMatches(pattern, host string) bool {
	switch {
	case pattern == "":
		return true
	case strings.HasPrefix(pattern, "*."):
		return strings.HasSuffix(host, pattern[1:]) && len(host) > len(pattern)-1
	default:
		return pattern == host
	}
}

// pathMatches compares by path elements: /app is a prefix of /app/x, not of /apple.
func pathMatches(pattern string, exact bool, path string) bool {
	if exact {
		return path == pattern
	}
	prefix := strings.TrimSuffix(pattern, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// before orders rules as the Gateway API does.
func (u rule) before(o rule) bool {
	switch {
	case u.gateway != o.gateway:
		return u.gateway
	case hostRank(u.host) != hostRank(o.host):
		return hostRank(u.host) > hostRank(o.host)
	case u.exact != o.exact:
		return u.exact
	case len(u.path) != len(o.path):
		return len(u.path) > len(o.path)
	case (u.method != "") != (o.method != ""):
		return u.method != ""
	case len(u.headers) != len(o.headers):
		return len(u.headers) > len(o.headers)
	case u.age != o.age:
		return u.age < o.age
	default:
		return u.id < o.id
	}
}

// hostRank prefers a full name to a wildcard, and a longer one to a shorter.
func hostRank(host string) int {
	if host == "" {
		return 0
	}
	if strings.HasPrefix(host, "*.") {
		return len(host)
	}
	return 1000 + len(host)
}
