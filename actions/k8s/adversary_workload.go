package k8s

import (
	"context"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/runbackhq/runback/actions"
)

// verticals looks for who sets the requests of pods. It leaves the template
// alone: it changes the pods as they are made (autoscaler repository,
// vertical-pod-autoscaler/docs/quickstart.md), which has the same effect.
func (q *contest) verticals(ctx context.Context) error {
	var fights []string
	for _, p := range q.touches("spec.template") {
		if strings.Contains(p, "].resources") {
			fights = append(fights, p)
		}
	}
	if len(fights) == 0 {
		return nil
	}
	list, err := q.list(ctx, vertical)
	if err != nil {
		return err
	}
	for i := range list {
		v := &list[i]
		if !q.isTarget(lookup(v.Object, path{"spec", "targetRef"})) {
			continue
		}
		name := q.label(vertical, v.GetNamespace(), v.GetName())
		if mode, _ := lookup(v.Object, path{"spec", "updatePolicy", "updateMode"}).(string); mode == "Off" {
			q.quiet(verticalName, name+" only recommends and changes nothing")
			continue
		}
		q.add(actions.Adversary{Controller: verticalName, Object: name, Fights: fights,
			Effect: "sets the requests of the pods, whatever the template says",
			Remedy: "set its spec.updatePolicy.updateMode to Off before"})
	}
	return nil
}

const verticalName = "VerticalPodAutoscaler"

// flagger looks for a canary release. Flagger keeps its target at 0 replicas
// between two releases, starts a release when the template of the target
// changes, and writes all of what it owns, the primary above all
// (docs.flagger.app, "How it works").
func (q *contest) flagger(ctx context.Context) error {
	owner := metav1.GetControllerOf(q.live)
	owned := owner != nil && owner.Kind == "Canary" && strings.HasPrefix(owner.APIVersion, canaries.Group+"/")
	fights := append(q.touches(replicasPath), q.touches("spec.template")...)
	if !owned && len(fights) == 0 {
		return nil
	}
	list, err := q.list(ctx, canaries)
	if err != nil {
		return err
	}
	for i := range list {
		c := &list[i]
		name := q.label(canaries, c.GetNamespace(), c.GetName())
		a := actions.Adversary{Controller: "Flagger", Object: name, Suspends: true, Remedy: q.suspendWith("flagger", c.GetNamespace(), c.GetName())}
		switch {
		case owned && owner.Name == c.GetName():
			a.Effect = "keeps it as the release says"
		case !owned && q.isTarget(lookup(c.Object, path{"spec", "targetRef"})):
			a.Fights = fights
			a.Effect = "keeps its target at 0 replicas between releases, and takes a change of the template for a new release"
		default:
			continue
		}
		if on, _ := lookup(c.Object, path{"spec", "suspend"}).(bool); on {
			q.quiet("Flagger", "Flagger "+name+" is suspended")
			continue
		}
		q.add(a)
	}
	return nil
}

// owner looks for an operator that made the object.
func (q *contest) owner(context.Context) error {
	o := metav1.GetControllerOf(q.live)
	if o == nil || (o.Kind == "Canary" && q.known["Flagger"]) {
		return nil
	}
	gv, err := schema.ParseGroupVersion(o.APIVersion)
	if err != nil {
		return nil //nolint:nilerr // a reference that nobody can follow
	}
	k := kind{Name: strings.ToLower(o.Kind), Group: gv.Group}
	a := actions.Adversary{Controller: o.Kind, Object: q.label(k, q.live.GetNamespace(), o.Name),
		Effect: "owns it, and its controller may set any field", Remedy: "change the " + o.Kind + " instead"}
	if k.Group == scaledObjects.Group {
		a.Controller, a.Suspends = "KEDA", true
		a.Remedy = q.suspendWith("keda", q.live.GetNamespace(), o.Name)
	}
	q.add(a)
	return nil
}
