package k8s

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// checkTraffic refuses weights that would send traffic to nobody. By the rules
// of the Gateway API the share of a backend without endpoints is answered with
// errors; it is not given to the others.
func (cl *Cluster) checkTraffic(ctx context.Context, r *route, rules []int, weights map[string]int) error {
	after := r.with(weights)
	for _, i := range rules {
		was, will := shares(r.weights([]int{i})), shares(after.weights([]int{i}))
		total := 0.0
		for _, b := range after.Spec.Rules[i].BackendRefs {
			total += will[b.Name]
			_, listed := weights[b.Name]
			// What others get already is not ours to judge, unless it grows.
			if will[b.Name] == 0 || (!listed && will[b.Name] <= was[b.Name]) {
				continue
			}
			ready, known, err := r.way.behind(ctx, cl, b)
			if err != nil {
				return err
			}
			if known && ready == 0 {
				service, _, _ := strings.Cut(b.Name, "/")
				return actions.Refuse(fmt.Sprintf("look at: kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", cl.Namespace, service),
					"%s of the traffic of %s would go to service %s, which has no ready endpoint", percent(will[b.Name]), r.label(), b.Name)
			}
		}
		if total == 0 {
			return actions.Refuse("give at least one backend a weight", "all weights of rule %d of %s would be 0, and every request would fail", i+1, r.label())
		}
	}
	return r.way.check(ctx, cl, after, rules)
}

// behind gives the number of ready endpoints of a backend of an object.
func (cl *Cluster) behind(ctx context.Context, w write, name string) (int, bool, error) {
	obj, err := w.live(ctx, cl)
	if err != nil {
		return 0, false, err
	}
	r, err := cl.asRoute(ctx, w.Kind, obj)
	if err != nil {
		return 0, false, err
	}
	for _, rule := range r.Spec.Rules {
		for _, b := range rule.BackendRefs {
			if b.Name == name {
				return r.way.behind(ctx, cl, b)
			}
		}
	}
	return 0, false, nil
}

func (cl *Cluster) readyBehind(ctx context.Context, service string) (int, error) {
	list, err := cl.endpointsOf(ctx, service)
	return readyEndpoints(list), err
}

// awaitRoute waits until every gateway that reports on the route has accepted
// this generation of it. A route that no gateway reports on has nobody to wait
// for.
func (cl *Cluster) awaitRoute(ctx context.Context, c *actions.Call, k kind, name string, generation int64) error {
	if !k.is(httpRoutes) {
		return nil // nobody reports on the others
	}
	return actions.Until(ctx, c, pause, func(ctx context.Context) (bool, string, error) {
		obj, err := cl.find(ctx, httpRoutes, name)
		if err != nil {
			return false, "", err
		}
		if obj == nil {
			return false, "", fmt.Errorf("httproute %s was deleted", name)
		}
		r, err := cl.asRoute(ctx, k, obj)
		if err != nil {
			return false, "", err
		}
		missing := r.notTaken(generation)
		return missing == "", missing, nil
	})
}

// notTaken says which gateway has not taken a generation of the route yet.
func (r *route) notTaken(generation int64) string {
	for _, parent := range r.Status.Parents {
		for _, wanted := range []string{"Accepted", "ResolvedRefs"} {
			state := "has not said " + wanted
			for _, c := range parent.Conditions {
				if c.Type != wanted {
					continue
				}
				switch {
				case c.ObservedGeneration < generation:
					state = "has not seen the change yet"
				case c.Status != metav1.ConditionTrue:
					state = fmt.Sprintf("says %s is %s: %s", wanted, c.Status, text(c.Reason, c.Message))
				default:
					state = ""
				}
			}
			if state != "" {
				return fmt.Sprintf("gateway controller %s %s", parent.ControllerName, state)
			}
		}
	}
	return ""
}
