package flagger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

// traffic gives the change that sends everything to the primary, in the object
// that Flagger's provider shares the traffic with.
func (r *release) traffic(ctx context.Context, cl kube.Cluster) ([]kube.Change, string, error) {
	provider := kube.Text(r.canary, "spec", "provider")
	name, _, _ := strings.Cut(provider, ":")
	switch name {
	case "gatewayapi":
		return r.weights(ctx, cl, kube.Kind{Name: "httproute", Group: "gateway.networking.k8s.io", Resource: "httproutes"}, []string{"spec", "rules"}, "backendRefs", []string{"name"})
	case "istio", "":
		return r.weights(ctx, cl, kube.Kind{Name: "virtualservice", Group: "networking.istio.io", Resource: "virtualservices"}, []string{"spec", "http"}, "route", []string{"destination", "host"})
	case "kubernetes":
		return nil, "the provider kubernetes has no weights: the Service leads to the primary until the promotion", nil
	}
	return nil, "", actions.Refuse("send the traffic to the primary by hand, then: k8s.suspend {kind: flagger, name: "+r.name()+"}",
		"canary %s shares its traffic with %s, which is not known here: istio, gatewayapi and kubernetes are", r.name(), provider)
}

// weights sets 100 for the primary and 0 for the canary wherever both are.
func (r *release) weights(ctx context.Context, cl kube.Cluster, k kube.Kind, rules []string, list string, name []string) ([]kube.Change, string, error) {
	obj, err := cl.Must(ctx, k, r.apex())
	if err != nil {
		return nil, "", err
	}
	change := kube.Change{Kind: k, Object: obj}
	all, _ := kube.At(obj, rules...).([]any)
	for i, rule := range all {
		m, _ := rule.(map[string]any)
		backends, _ := m[list].([]any)
		for j, b := range backends {
			backend := &kube.Object{}
			backend.Object, _ = b.(map[string]any)
			host, _, _ := strings.Cut(kube.Text(backend, name...), ".")
			at := append(append([]string{}, rules...), strconv.Itoa(i), list, strconv.Itoa(j))
			weight := 0
			switch host {
			case r.apex() + "-primary":
				weight = 100
			case r.apex() + "-canary":
			default:
				continue
			}
			change.Edits = append(change.Edits, kube.Edit{Path: append(append([]string{}, at...), "weight"), Value: weight})
			change.Relies = append(change.Relies, append(append([]string{}, at...), name...))
		}
	}
	if len(change.Edits) == 0 {
		return nil, "", actions.Refuse("look at it, and send the traffic to the primary with k8s.traffic", "%s %s leads neither to %s-primary nor to %s-canary", k.Name, r.apex(), r.apex(), r.apex())
	}
	return []kube.Change{change}, fmt.Sprintf("%s %s gives everything to %s-primary", k.Name, r.apex(), r.apex()), nil
}
