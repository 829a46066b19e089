package k8s

import (
	"cmp"
	"context"

	"github.com/runbackhq/runback/actions"
)

// flux looks for the Kustomization and the HelmRelease that applied the object.
// Both label what they apply with their name and namespace.
func (q *contest) flux(ctx context.Context) error {
	for _, c := range []struct {
		kind             kind
		suspend, manager string
		effect           func(*object) string
	}{
		{kustomizations, "flux-kustomization", "kustomize-controller", kustomizationEffect},
		{helmReleases, "flux-helmrelease", "helm-controller", helmReleaseEffect},
	} {
		labels := q.live.GetLabels()
		name, namespace := labels[c.kind.Group+"/name"], labels[c.kind.Group+"/namespace"]
		if name == "" || q.is(c.kind, namespace, name) {
			continue
		}
		what := q.label(c.kind, namespace, name)
		if at := c.kind.Group + "/reconcile"; cmp.Or(q.live.GetAnnotations()[at], labels[at]) == "disabled" {
			q.quiet("Flux", "Flux "+what+" leaves it alone ("+at+": disabled)")
			continue
		}
		obj, seen, err := q.get(ctx, c.kind, namespace, name)
		if err != nil {
			return err
		}
		a := actions.Adversary{Controller: "Flux", Object: what, Suspends: obj != nil, Remedy: q.suspendWith(c.suspend, namespace, name)}
		switch {
		case obj != nil:
			if on, _ := lookup(obj.Object, path{"spec", "suspend"}).(bool); on {
				q.quiet("Flux", "Flux "+what+" is suspended")
				continue
			}
			a.Effect = c.effect(obj)
		case seen:
			a.Effect, a.Remedy = "applied it, and is not in this cluster: whether it is suspended cannot be seen", "see that it is suspended before"
		default:
			a.Effect, a.Suspends = "applies it from Git; whether it is suspended could not be read", true
		}
		if fights, fighting := q.gitFights("Flux", what, c.manager); fighting {
			a.Fights = fights
			q.add(a)
		}
	}
	return nil
}

// kustomizationEffect: each reconciliation corrects drift, with a commit or
// without (fluxcd.io, Kustomization, "Interval").
func kustomizationEffect(k *object) string {
	interval, _ := lookup(k.Object, path{"spec", "interval"}).(string)
	return "puts back what Git says within " + cmp.Or(interval, "its interval")
}

// helmReleaseEffect: drift is corrected only when that is switched on; otherwise
// an upgrade overwrites it (fluxcd.io, HelmRelease, "Drift detection").
func helmReleaseEffect(r *object) string {
	if mode, _ := lookup(r.Object, path{"spec", "driftDetection", "mode"}).(string); mode == "enabled" {
		return "puts back what the release says (drift detection is on)"
	}
	return "overwrites it at the next upgrade of the release"
}

// helm tells of a release. Helm is no controller, and nothing can hold it.
func (q *contest) helm(context.Context) error {
	a := q.live.GetAnnotations()
	name := a["meta.helm.sh/release-name"]
	if name == "" || q.live.GetLabels()[helmReleases.Group+"/name"] != "" {
		return nil // Flux drives the release
	}
	namespace := cmp.Or(a["meta.helm.sh/release-namespace"], q.live.GetNamespace())
	if fights, fighting := q.gitFights("Helm", "release "+name, "helm", "Helm"); fighting {
		q.add(actions.Adversary{Controller: "Helm", Object: q.label(kind{Name: "release"}, namespace, name), Fights: fights,
			Effect: "the next helm upgrade will overwrite it", Remedy: "put the same into the chart or its values before the next helm upgrade"})
	}
	return nil
}
