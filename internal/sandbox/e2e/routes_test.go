package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRoutes changes the way to the pods while customers call.
func TestRoutes(t *testing.T) {
	s := start(t, "canary")
	for _, step := range []struct {
		name string
		do   func(*sandbox)
	}{
		{"weights", testWeights},
		{"status", testRouteStatus},
		{"missing service", testMissingService},
		{"no endpoint", testNoEndpoint},
		{"path and host", testPathAndHost},
		{"ingress without route", testIngress},
		{"service switch", testServiceSwitch},
		{"rolling restart", testRollingRestart},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(&sandbox{t: t, dir: s.dir, env: s.env, client: s.client}) }) {
			break // the steps build on each other
		}
	}
}

const good, bad = "1.4.2", "1.5.0-errors"

func (s *sandbox) weigh(stable, canary string) {
	s.t.Helper()
	s.patchRoute(fmt.Sprintf(`[{"op":"replace","path":"/spec/rules/0/backendRefs/0/weight","value":%s},
		{"op":"replace","path":"/spec/rules/0/backendRefs/1/weight","value":%s}]`, stable, canary))
}

func (s *sandbox) patchRoute(patch string) {
	s.t.Helper()
	s.mustKubectl("patch", "httproute", "app-route", "--type=json", "-p", patch)
}

// expectShares wants n calls to be answered as given, once the change is known.
func (s *sandbox) expectShares(n int, want map[string]int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("shares %v", want), 5*time.Second, func() error {
		got := s.shares(n)
		for _, who := range []string{good, bad, "404", "500", "503"} {
			if d := got[who] - want[who]; d < -1 || d > 1 {
				return fmt.Errorf("got %v", got)
			}
		}
		return nil
	})
}

func testWeights(s *sandbox) {
	s.expectShares(40, map[string]int{good: 30, bad: 10})
	s.weigh("50", "50")
	s.expectShares(40, map[string]int{good: 20, bad: 20})
	s.weigh("1", "0")
	s.eventually("no request to a backend of weight 0", 5*time.Second, func() error {
		if got := s.shares(30); got[good] != 30 {
			return fmt.Errorf("got %v", got)
		}
		return nil
	})
	s.expectErrorShare(0)
	s.weigh("0", "0")
	s.expectShares(10, map[string]int{"500": 10})
	s.patchRoute(`[{"op":"remove","path":"/spec/rules/0/backendRefs/0/weight"},{"op":"replace","path":"/spec/rules/0/backendRefs/1/weight","value":1}]`)
	s.expectShares(40, map[string]int{good: 20, bad: 20})
}

func (s *sandbox) routeCondition(kind string) string {
	s.t.Helper()
	return s.mustKubectl("get", "httproute", "app-route", "-o",
		fmt.Sprintf(`jsonpath={range .status.parents[0].conditions[?(@.type=="%s")]}{.status} {.reason} {.observedGeneration}{end}`, kind))
}

func (s *sandbox) expectRoute(kind, want string) {
	s.t.Helper()
	s.eventually(kind, 5*time.Second, func() error {
		generation := s.mustKubectl("get", "httproute", "app-route", "-o", "jsonpath={.metadata.generation}")
		if got := s.routeCondition(kind); got != want+" "+generation {
			return fmt.Errorf("%q, want %q at generation %s", got, want, generation)
		}
		return nil
	})
}

func testRouteStatus(s *sandbox) {
	s.expectRoute("Accepted", "True Accepted")
	s.expectRoute("ResolvedRefs", "True ResolvedRefs")
	s.mustKubectl("wait", "--for=condition=Programmed", "gateway/sandbox-gateway", "--timeout=5s")
}

func testMissingService(s *sandbox) {
	s.patchRoute(`[{"op":"replace","path":"/spec/rules/0/backendRefs/1/name","value":"nowhere"}]`)
	s.expectRoute("ResolvedRefs", "False BackendNotFound")
	s.expectShares(40, map[string]int{good: 20, "500": 20})
	s.patchRoute(`[{"op":"replace","path":"/spec/rules/0/backendRefs/1/name","value":"app-canary"}]`)
	s.expectRoute("ResolvedRefs", "True ResolvedRefs")
}

func testNoEndpoint(s *sandbox) {
	s.mustKubectl("scale", "deployment/app-canary", "--replicas=0")
	s.expectShares(40, map[string]int{good: 20, "503": 20})
	r := s.load(time.Second).Window.Versions["none"]
	if r.Requests == 0 || r.ErrorShare != 1 {
		s.t.Errorf("what the proxy answers itself must count as failed, of no version: %+v", r)
	}
	s.mustKubectl("scale", "deployment/app-canary", "--replicas=2")
	s.expectShares(40, map[string]int{good: 20, bad: 20})
}

func testPathAndHost(s *sandbox) {
	s.patchRoute(`[{"op":"replace","path":"/spec/rules/0/matches/0/path/value","value":"/shop"}]`)
	// what the route leaves, the Ingress takes
	s.expectShares(20, map[string]int{good: 20})
	s.eventually("the path of the route", 5*time.Second, func() error {
		seen := map[string]int{}
		for range 20 {
			_, version, _ := s.call("/shop/cart")
			seen[version]++
		}
		if seen[bad] != 10 {
			return fmt.Errorf("%v", seen)
		}
		return nil
	})
	if _, version, _ := s.call("/shopping"); version != good {
		s.t.Errorf("/shopping went to %q: /shop must match whole path elements", version)
	}
	s.patchRoute(`[{"op":"add","path":"/spec/hostnames","value":["other.example"]},{"op":"replace","path":"/spec/rules/0/matches/0/path/value","value":"/"}]`)
	s.expectShares(20, map[string]int{good: 20})
}

func testIngress(s *sandbox) {
	s.mustKubectl("delete", "httproute", "app-route")
	s.expectShares(20, map[string]int{good: 20})
	s.mustKubectl("delete", "ingress", "app-ingress")
	s.expectShares(5, map[string]int{"404": 5})
	s.mustKubectl("create", "ingress", "app-ingress", "--rule=/*=app-service:http")
	s.expectShares(20, map[string]int{good: 20})
}

func testServiceSwitch(s *sandbox) {
	for _, c := range []struct{ track, version string }{{"canary", bad}, {"stable", good}} {
		s.mustKubectl("patch", "service", "app-service", "-p", `{"spec":{"selector":{"version":"`+c.track+`"}}}`)
		s.expectShares(20, map[string]int{c.version: 20})
	}
}

// testRollingRestart wants that customers notice nothing when all pods are
// replaced by good ones.
func testRollingRestart(s *sandbox) {
	s.expectErrorShare(0)
	before := s.load(time.Second).Total.Errors
	s.mustKubectl("rollout", "restart", "deployment/app-stable")
	s.mustKubectl("rollout", "status", "deployment/app-stable", "--timeout=30s")
	time.Sleep(2500 * time.Millisecond) // the old pods drain
	if after := s.load(time.Second).Total.Errors; after != before {
		s.t.Errorf("%d requests failed", after-before)
	}
	if out := s.mustKubectl("get", "pods", "-l", "app=myapp,version=stable", "--no-headers"); strings.Count(out, "\n") != 4 {
		s.t.Errorf("pods:\n%s", out)
	}
}
