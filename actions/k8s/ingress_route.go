package k8s

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// routeView is what is read of an HTTPRoute. The types of the Gateway API are
// not imported for the few fields of it.
type routeView struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Hostnames []string `json:"hostnames"`
		Rules     []struct {
			Matches []struct {
				Path struct {
					Value string `json:"value"`
				} `json:"path"`
			} `json:"matches"`
			BackendRefs []struct {
				Kind      string `json:"kind"`
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
				Port      *int   `json:"port"`
				Weight    *int   `json:"weight"`
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
	Status struct {
		Parents []struct {
			ParentRef struct {
				Name string `json:"name"`
			} `json:"parentRef"`
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

func (cl *Cluster) inspectRoute(ctx context.Context, obj *object) (ingressOut, error) {
	out := newIngressOut()
	r, err := typed[routeView](obj)
	if err != nil {
		return out, err
	}
	out.Found = true
	out.parents(r)
	host := strings.Join(r.Spec.Hostnames, ",")
	for _, rule := range r.Spec.Rules {
		path := "/"
		if len(rule.Matches) > 0 {
			path = cmp.Or(rule.Matches[0].Path.Value, "/")
		}
		for _, ref := range rule.BackendRefs {
			b := destination{Host: host, Path: path, Service: ref.Name, Weight: ptr(1)} // without a weight it is 1, not 0
			if ref.Weight != nil {
				b.Weight = ref.Weight
			}
			switch {
			case ref.Namespace != "" && ref.Namespace != cl.Namespace, ref.Kind != "" && ref.Kind != "Service", ref.Port == nil:
				out.note("%s leads to %s, which is no Service of this namespace and was not looked at", b.where(), ref.Name)
				continue
			}
			b.Port = strconv.Itoa(*ref.Port)
			if err := out.follow(ctx, cl, b); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// parents reads what the gateways say. A condition about an older version of
// the route says nothing of this one.
func (out *ingressOut) parents(r *routeView) {
	for _, p := range r.Status.Parents {
		one := parent{Gateway: p.ParentRef.Name}
		for _, c := range p.Conditions {
			if c.ObservedGeneration < r.Generation || c.Status == metav1.ConditionUnknown {
				continue
			}
			is := c.Status == metav1.ConditionTrue
			switch c.Type {
			case "Accepted":
				one.Accepted = &is
			case "ResolvedRefs":
				one.Resolved = &is
			default:
				continue
			}
			if !is {
				one.Reason = text(c.Reason, c.Message)
				out.problem("gateway %s says %s is false: %s", one.Gateway, c.Type, one.Reason)
			}
		}
		if one.Accepted == nil {
			out.problem("gateway %s has not come to this version of the route yet", one.Gateway)
		}
		out.Parents = append(out.Parents, one)
	}
	if len(out.Parents) == 0 {
		out.problem("no gateway has taken the route")
	}
}
