package k8s

import (
	"maps"
	"slices"

	"github.com/runbackhq/runback/actions"
)

// pick gives the object that shares the traffic.
func (in trafficIn) pick() (k kind, name string, err error) {
	given := 0
	for _, c := range []struct {
		kind kind
		name string
	}{{httpRoutes, in.Route}, {virtualServices, in.VirtualService}, {ingresses, in.Ingress}} {
		if c.name != "" {
			given++
			k, name = c.kind, c.name
		}
	}
	if given != 1 {
		return kind{}, "", actions.Invalid("write it like route: app-route", "exactly one of route, virtual_service and ingress is needed, %d are given", given)
	}
	return k, name, nil
}

func (in trafficIn) field() string {
	switch {
	case in.VirtualService != "":
		return "virtual_service"
	case in.Ingress != "":
		return "ingress"
	}
	return "route"
}

func (in trafficIn) valid() error {
	if len(in.Weights) == 0 {
		return actions.Invalid("write it as weights: {app-stable: 100, app-canary: 0}", "weights are missing")
	}
	for _, name := range slices.Sorted(maps.Keys(in.Weights)) {
		if w := in.Weights[name]; w < 0 || w > 1_000_000 {
			return actions.Invalid("a weight is between 0 and 1000000", "weight of %s is %d", name, w)
		}
	}
	return nil
}
