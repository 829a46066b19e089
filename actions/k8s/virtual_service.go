package k8s

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// istio is the VirtualService of Istio: spec.http[].route[], each with a
// destination of a host and perhaps a subset.
type istio struct{ obj *object }

type virtualService struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		HTTP []struct {
			Route []struct {
				Destination struct {
					Host   string `json:"host"`
					Subset string `json:"subset"`
				} `json:"destination"`
				Weight *int `json:"weight"`
			} `json:"route"`
			Mirror  any   `json:"mirror"`
			Mirrors []any `json:"mirrors"`
		} `json:"http"`
		TCP []any `json:"tcp"`
		TLS []any `json:"tls"`
	} `json:"spec"`
}

// asVirtualService reads the http rules. A backend is named by its host and its
// subset; its place in the list is nobody's to rely on.
func asVirtualService(k kind, obj *object) (*route, error) {
	vs, err := typed[virtualService](obj)
	if err != nil {
		return nil, err
	}
	r := &route{kind: k, way: istio{obj}}
	r.Metadata.Name = vs.Name
	for i, h := range vs.Spec.HTTP {
		rule := routeRule{}
		for _, d := range h.Route {
			weight := 0
			switch {
			case d.Weight != nil:
				weight = *d.Weight
			case len(h.Route) == 1:
				weight = 100 // a single destination gets everything
			}
			name := d.Destination.Host
			if d.Destination.Subset != "" {
				name += "/" + d.Destination.Subset
			}
			rule.BackendRefs = append(rule.BackendRefs, backend{Name: name, Weight: &weight})
		}
		r.Spec.Rules = append(r.Spec.Rules, rule)
		if h.Mirror != nil || len(h.Mirrors) > 0 {
			r.notes = append(r.notes, fmt.Sprintf("rule %d mirrors requests besides, whatever the weights say", i+1))
		}
	}
	if len(vs.Spec.TCP)+len(vs.Spec.TLS) > 0 {
		r.notes = append(r.notes, "its tcp and tls routes are left alone")
	}
	r.notes = append(r.notes, "proxies take new weights one after another and nobody reports it: check with requests")
	return r, nil
}

func (v istio) edits(r *route, rules []int, weights map[string]int) (edits []edit, guards []guard) {
	for _, i := range rules {
		for j, b := range r.Spec.Rules[i].BackendRefs {
			w, listed := weights[b.Name]
			if !listed {
				continue
			}
			at := path{"spec", "http", strconv.Itoa(i), "route", strconv.Itoa(j)}
			field := append(slices.Clip(at), "weight")
			var after any = w
			before := lookup(v.obj.Object, field)
			if before == nil && w == b.weight() {
				after = nil // it says so already by leaving it out
			}
			edits = append(edits, edit{field, before, after})
			for _, part := range []string{"host", "subset"} {
				p := append(slices.Clip(at), "destination", part)
				guards = append(guards, guard{p, lookup(v.obj.Object, p)})
			}
		}
	}
	return edits, guards
}

// check demands what Istio documents for several destinations: weights that add
// up to 100.
func (v istio) check(_ context.Context, _ *Cluster, after *route, rules []int) error {
	for _, i := range rules {
		sum := 0
		for _, b := range after.Spec.Rules[i].BackendRefs {
			sum += b.weight()
		}
		if sum != 100 {
			return actions.Refuse("name the weights of all its backends so that they do", "weights of rule %d of %s would add up to %d, not to 100", i+1, after.label(), sum)
		}
	}
	return nil
}

// behind counts the ready pods of the Service that carry the labels of the
// subset. A subset that no DestinationRule has is answered with 503.
func (v istio) behind(ctx context.Context, cl *Cluster, b backend) (int, bool, error) {
	host, subset, _ := strings.Cut(b.Name, "/")
	service, here := serviceOf(host, cl.Namespace)
	if !here {
		return 0, false, nil
	}
	list, err := cl.endpointsOf(ctx, service)
	if err != nil || subset == "" {
		return readyEndpoints(list), true, err
	}
	want, err := cl.subset(ctx, service, subset)
	if err != nil {
		return 0, false, err
	}
	list = slices.DeleteFunc(list, func(e endpoint) bool {
		return e.pod == nil || slices.ContainsFunc(keysOf(want, nil), func(k string) bool { return e.pod.Labels[k] != want[k] })
	})
	return readyEndpoints(list), true, nil
}

// serviceOf gives the Service that a host names, and whether it is in the
// namespace: app, app.shop, app.shop.svc.cluster.local.
func serviceOf(host, namespace string) (string, bool) {
	name, rest, dotted := strings.Cut(host, ".")
	if !dotted {
		return name, true
	}
	in, rest, _ := strings.Cut(rest, ".")
	return name, in == namespace && (rest == "" || rest == "svc" || strings.HasPrefix(rest, "svc."))
}

// subset gives the labels of a subset, from the DestinationRule of the Service.
func (cl *Cluster) subset(ctx context.Context, service, subset string) (map[string]any, error) {
	k, known, err := cl.served(ctx, destinationRules)
	if err != nil {
		return nil, err
	}
	var rules []object
	if known {
		if rules, err = cl.list(ctx, k, metav1.ListOptions{}); err != nil {
			return nil, err
		}
	}
	var names []string
	for i := range rules {
		host, _ := lookup(rules[i].Object, path{"spec", "host"}).(string)
		if of, here := serviceOf(host, cl.Namespace); !here || of != service {
			continue
		}
		subsets, _ := lookup(rules[i].Object, path{"spec", "subsets"}).([]any)
		for _, s := range subsets {
			if nameOf(s) == subset {
				labels, _ := child(s, "labels").(map[string]any)
				return labels, nil
			}
			names = append(names, nameOf(s))
		}
	}
	hint := "make the DestinationRule first; the proxies answer 503 for a subset that is not there"
	if len(names) > 0 {
		hint = "there are: " + strings.Join(names, ", ")
	}
	return nil, actions.Refuse(hint, "no destinationrule of service %s in namespace %q has a subset %q", service, cl.Namespace, subset)
}
