package k8s

import (
	"context"
	"maps"
	"slices"
	"strconv"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// Annotations of ingress-nginx (kubernetes.github.io/ingress-nginx, "Annotations",
// canary).
const (
	nginx            = "nginx.ingress.kubernetes.io/"
	canaryWeight     = nginx + "canary-weight"
	canaryTotal      = nginx + "canary-weight-total"
	canaryHeader     = nginx + "canary-by-header"
	canaryCookie     = nginx + "canary-by-cookie"
	affinity         = nginx + "affinity"
	affinityInCanary = nginx + "affinity-canary-behavior" //nolint:misspell // their word
)

// nginxCanary is a canary Ingress beside another one with the same host and path:
// the weight of its Service is an annotation, the rest is the other's.
type nginxCanary struct {
	ingress        *networkingv1.Ingress
	stable, canary string // Services
	total          int
}

func (cl *Cluster) asCanaryIngress(ctx context.Context, obj *object) (*route, error) {
	in, err := typed[networkingv1.Ingress](obj)
	if err != nil {
		return nil, err
	}
	if in.Annotations[nginx+"canary"] != "true" {
		return nil, actions.Invalid("name the Ingress that has the annotation "+nginx+`canary: "true"`, "ingress %s is no canary", in.Name)
	}
	n := nginxCanary{ingress: in, total: 100}
	if n.total, err = whole(in, canaryTotal, 100); err != nil {
		return nil, err
	}
	weight, err := whole(in, canaryWeight, 0)
	if err != nil {
		return nil, err
	}
	main, err := cl.beside(ctx, in)
	if err != nil {
		return nil, err
	}
	if n.canary, err = onlyService(in, in); err != nil {
		return nil, err
	}
	if n.stable, err = onlyService(main, in); err != nil {
		return nil, err
	}
	rest := n.total - weight
	r := &route{kind: ingresses, way: n, notes: precedence(in, main)}
	r.Metadata.Name = in.Name
	r.Spec.Rules = []routeRule{{BackendRefs: []backend{{Name: n.stable, Weight: &rest}, {Name: n.canary, Weight: &weight}}}}
	return r, nil
}

func whole(in *networkingv1.Ingress, annotation string, otherwise int) (int, error) {
	s := in.Annotations[annotation]
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, actions.Invalid("put it right first", "annotation %s of ingress %s is %q, which is no whole number", annotation, in.Name, s)
	}
	return n, nil
}

// places gives host and path of an Ingress with the Service behind each.
func places(in *networkingv1.Ingress) map[string]string {
	out := map[string]string{}
	for _, rule := range in.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			if p.Backend.Service != nil {
				out[rule.Host+p.Path] = p.Backend.Service.Name
			}
		}
	}
	return out
}

// beside finds the Ingress that a canary belongs to.
func (cl *Cluster) beside(ctx context.Context, in *networkingv1.Ingress) (*networkingv1.Ingress, error) {
	list, err := cl.API.Ingresses(cl.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain(ctx, err, "listing ingresses")
	}
	var found []*networkingv1.Ingress
	own := places(in)
	for i := range list.Items {
		other := &list.Items[i]
		if other.Annotations[nginx+"canary"] == "true" {
			continue
		}
		for at := range places(other) {
			if own[at] != "" {
				found = append(found, other)
				break
			}
		}
	}
	if len(found) != 1 {
		return nil, actions.Invalid("look at: kubectl get ingress -n "+cl.Namespace, "%d ingresses have a host and path of canary ingress %s, want one", len(found), in.Name)
	}
	return found[0], nil
}

// onlyService gives the Service of an Ingress at the places of a canary.
func onlyService(in, canary *networkingv1.Ingress) (string, error) {
	names := map[string]bool{}
	own := places(canary)
	for at, service := range places(in) {
		if own[at] != "" {
			names[service] = true
		}
	}
	if len(names) != 1 {
		return "", actions.Invalid("set the annotation with k8s.patch", "ingress %s leads to %d services there, want one", in.Name, len(names))
	}
	return slices.Collect(maps.Keys(names))[0], nil
}

// precedence tells what counts more than the weight.
func precedence(canary, main *networkingv1.Ingress) []string {
	var notes []string
	if h := canary.Annotations[canaryHeader]; h != "" {
		notes = append(notes, "header "+h+" takes precedence over the weight: it still leads to the canary")
	}
	if c := canary.Annotations[canaryCookie]; c != "" {
		notes = append(notes, "cookie "+c+" takes precedence over the weight: it still leads to the canary")
	}
	if main.Annotations[affinity] == "cookie" && main.Annotations[affinityInCanary] != "legacy" {
		notes = append(notes, "sessions are sticky: who was sent to the canary stays there until the cookie ends, whatever the weight says")
	}
	return append(notes, "the controller takes the annotation within seconds and reports nothing: check with requests")
}

func (n nginxCanary) edits(_ *route, _ []int, weights map[string]int) ([]edit, []guard) {
	w, listed := weights[n.canary]
	if !listed {
		w = n.total - weights[n.stable]
	}
	guards := []guard{{annotation(nginx + "canary"), "true"}, {annotation(canaryTotal), orAbsent(n.ingress.Annotations[canaryTotal])}}
	return []edit{{annotation(canaryWeight), orAbsent(n.ingress.Annotations[canaryWeight]), strconv.Itoa(w)}}, guards
}

// check demands weights that add up: the stable Service has none of its own, it
// gets what the canary does not.
func (n nginxCanary) check(_ context.Context, _ *Cluster, after *route, _ []int) error {
	sum := 0
	for _, b := range after.Spec.Rules[0].BackendRefs {
		sum += b.weight()
	}
	if sum != n.total {
		return actions.Refuse("name both weights so that they do", "weights of %s would add up to %d, not to its total of %d", after.label(), sum, n.total)
	}
	return nil
}

func (n nginxCanary) behind(ctx context.Context, cl *Cluster, b backend) (int, bool, error) {
	ready, err := cl.readyBehind(ctx, b.Name)
	return ready, true, err
}
