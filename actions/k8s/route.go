package k8s

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// routeFields is what is read of an HTTPRoute. The full types of the Gateway API are
// a large module for a few fields.
type routeFields struct {
	Metadata struct {
		Name       string `json:"name"`
		Generation int64  `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		Rules []routeRule `json:"rules"`
	} `json:"spec"`
	Status struct {
		Parents []struct {
			ControllerName string             `json:"controllerName"`
			Conditions     []metav1.Condition `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

// route is an object that shares traffic by weights.
type route struct {
	routeFields
	kind  kind
	way   dialect
	notes []string
}

// dialect is what differs between the kinds of objects that share traffic by
// weights. All are read as rules with backends.
type dialect interface {
	// edits gives what sets the weights of the backends in some rules, and what
	// that relies on.
	edits(r *route, rules []int, weights map[string]int) ([]edit, []guard)
	// behind gives the number of ready endpoints of a backend; known is false for
	// one that is elsewhere.
	behind(ctx context.Context, cl *Cluster, b backend) (ready int, known bool, err error)
	// check refuses what the kind does not allow.
	check(ctx context.Context, cl *Cluster, after *route, rules []int) error
}

type routeRule struct {
	BackendRefs []backend `json:"backendRefs"`
}

type backend struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Weight    *int   `json:"weight"`
}

// asRoute reads an object of one of the kinds.
func (cl *Cluster) asRoute(ctx context.Context, k kind, obj *object) (*route, error) {
	switch {
	case k.is(virtualServices):
		return asVirtualService(k, obj)
	case k.is(ingresses):
		return cl.asCanaryIngress(ctx, obj)
	}
	fields, err := typed[routeFields](obj)
	if err != nil {
		return nil, err
	}
	return &route{routeFields: *fields, kind: httpRoutes, way: gateway{cl.Namespace}}, nil
}

func (r *route) label() string { return r.kind.Name + " " + r.Metadata.Name }

// weight is 1 when it is left out, by the rules of the Gateway API; leaving it
// out does not stop the traffic.
func (b backend) weight() int {
	if b.Weight == nil {
		return 1
	}
	return *b.Weight
}

func (b backend) isService(namespace string) bool {
	return b.Group == "" && (b.Kind == "" || b.Kind == "Service") && (b.Namespace == "" || b.Namespace == namespace)
}

// rulesWith gives the rules that have all of the named Services as backends. A
// rule with a part of them is about something else: a header that leads to the
// canary, for one.
func (r *route) rulesWith(weights map[string]int) ([]int, error) {
	var rules []int
	known := map[string]bool{}
	for i, rule := range r.Spec.Rules {
		places := map[string]int{}
		for _, b := range rule.BackendRefs {
			if g, ok := r.way.(gateway); !ok || b.isService(g.namespace) {
				places[b.Name]++
				known[b.Name] = true
			}
		}
		has := 0
		for name := range weights {
			if places[name] > 1 {
				return nil, actions.Invalid("set the weights with k8s.patch", "%s is a backend of rule %d twice", name, i+1)
			}
			has += places[name]
		}
		if has == len(weights) {
			rules = append(rules, i)
		}
	}
	if len(rules) == 0 {
		return nil, actions.Invalid("its backends are: "+strings.Join(slices.Sorted(maps.Keys(known)), ", "),
			"%s has no rule with the backends %s", r.label(), strings.Join(slices.Sorted(maps.Keys(weights)), ", "))
	}
	return rules, nil
}

// with gives the route as it will be.
func (r *route) with(weights map[string]int) *route {
	out := *r
	out.Spec.Rules = make([]routeRule, len(r.Spec.Rules))
	for i, rule := range r.Spec.Rules {
		out.Spec.Rules[i].BackendRefs = slices.Clone(rule.BackendRefs)
		for j, b := range rule.BackendRefs {
			if w, ok := weights[b.Name]; ok {
				out.Spec.Rules[i].BackendRefs[j].Weight = &w
			}
		}
	}
	return &out
}

// weights gives the weights in the first of some rules.
func (r *route) weights(rules []int) map[string]int {
	out := map[string]int{}
	for _, b := range r.Spec.Rules[rules[0]].BackendRefs {
		out[b.Name] += b.weight()
	}
	return out
}

func shares(weights map[string]int) map[string]float64 {
	total := 0
	for _, w := range weights {
		total += w
	}
	out := map[string]float64{}
	for name, w := range weights {
		out[name] = 0
		if total > 0 {
			out[name] = float64(w) / float64(total)
		}
	}
	return out
}

// elsewhere tells of rules that are left alone although they lead to a Service
// whose weight goes to 0.
func (r *route) elsewhere(rules []int, weights map[string]int) []string {
	var notes []string
	for i, rule := range r.Spec.Rules {
		for _, b := range rule.BackendRefs {
			if w, listed := weights[b.Name]; listed && w == 0 && b.weight() > 0 && !slices.Contains(rules, i) {
				notes = append(notes, fmt.Sprintf("rule %d still leads to %s and is left alone", i+1, b.Name))
			}
		}
	}
	return notes
}
