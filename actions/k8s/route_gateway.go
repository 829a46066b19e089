package k8s

import (
	"context"
	"slices"
	"strconv"
)

// gateway is the HTTPRoute of the Gateway API.
type gateway struct{ namespace string }

func (g gateway) behind(ctx context.Context, cl *Cluster, b backend) (int, bool, error) {
	if !b.isService(g.namespace) {
		return 0, false, nil
	}
	n, err := cl.readyBehind(ctx, b.Name)
	return n, true, err
}

func (gateway) check(context.Context, *Cluster, *route, []int) error { return nil }

// edits addresses the weights by their index, as a JSON patch must, and guards
// the name that was found there. The API treats the list as one value, so a
// merge would replace all of it.
func (gateway) edits(r *route, rules []int, weights map[string]int) (edits []edit, guards []guard) {
	for _, i := range rules {
		for j, b := range r.Spec.Rules[i].BackendRefs {
			w, listed := weights[b.Name]
			if !listed {
				continue
			}
			at := path{"spec", "rules", strconv.Itoa(i), "backendRefs", strconv.Itoa(j)}
			var before any
			if b.Weight != nil {
				before = *b.Weight
			}
			edits = append(edits, edit{append(slices.Clip(at), "weight"), before, w})
			guards = append(guards, guard{append(slices.Clip(at), "name"), b.Name})
		}
	}
	return edits, guards
}
