package k8s

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/runbackhq/runback/actions"
)

func suspendAction(f family) actions.Action {
	a := hold{family: f, state: "is suspended", edits: suspendEdits, notes: func(h holder, _ *object) []string {
		return []string{h.note, "put it back with k8s.restore when " + h.until}
	}}
	return actions.Define(actions.Def[holdIn, holdState, holdOut]{
		Name:    "k8s.suspend",
		Summary: "Hold a controller that would take a rollback back, and keep with its object how it was.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		Differs: differs[holdIn, holdState](f),
		Undo: func(in holdIn, st holdState, out holdOut) ([]actions.Step, error) {
			if !out.Changed {
				return nil, nil
			}
			return []actions.Step{{Name: "Let " + st.Write.object() + " go on", Uses: "k8s.restore", With: in.with()}}, nil
		},
		Owes: func(in holdIn, st holdState) []actions.Obligation {
			if !st.Write.changes() {
				return nil
			}
			h := holderOf(in.Kind)
			return []actions.Obligation{{Key: st.Key, What: h.title(st.Write.object()) + " is suspended", Until: h.until}}
		},
		Tell: tellHold,
		Examples: []actions.Example{
			{Title: "Keep Argo CD from putting the bad version back", YAML: "uses: k8s.suspend\nwith: {kind: argocd, name: shop, namespace: argocd}"},
			{Title: "Keep an autoscaler from changing the number of pods", YAML: "uses: k8s.suspend\nwith: {kind: hpa, name: app}"},
		},
	})
}

func suspendEdits(ctx context.Context, cl *Cluster, _ *actions.Call, h holder, obj *object, st *holdState) ([]edit, error) {
	if st.Done = h.idle(obj); st.Done != "" {
		return nil, nil
	}
	if err := cl.checkAppSet(ctx, obj); err != nil {
		return nil, err
	}
	var edits []edit
	before := map[string]any{}
	for _, s := range h.stops {
		was := lookup(obj.Object, s.at)
		edits = append(edits, edit{s.at, was, s.value})
		at := missingRoot(obj, s.at)
		before[at.show(obj.Object)] = lookup(obj.Object, at)
	}
	text, err := remembered(before)
	if err != nil {
		return nil, fmt.Errorf("what %s was before: %w", obj.GetName(), err)
	}
	mark := annotation(suspendedFrom)
	return append(edits, edit{mark, lookup(obj.Object, mark), text}), nil
}

// missingRoot gives the field, or the first map above it that is absent: the
// API server fills such a map with defaults once there is something in it, and
// putting it back means to take away all of it. Annotations are shared.
func missingRoot(obj *object, p path) path {
	for i := 2; i < len(p) && !shared(p[:i]); i++ {
		if lookup(obj.Object, p[:i]) == nil {
			return p[:i]
		}
	}
	return p
}

// checkAppSet refuses an application that an ApplicationSet writes: it takes an
// edit back at once, unless it is told to leave the field or all of the
// application alone (argo-cd.readthedocs.io, "Controlling if/when the
// ApplicationSet controller modifies Application resources").
func (cl *Cluster) checkAppSet(ctx context.Context, app *object) error {
	name := appSetOf(app)
	if name == "" {
		return nil
	}
	set, err := cl.find(ctx, appSets, name)
	if err != nil && !apierrors.IsForbidden(err) {
		return err
	}
	if set != nil && appSetLeaves(set) {
		return nil
	}
	return actions.Refuse(fmt.Sprintf("switch spec.template.spec.syncPolicy.automated off in it, or let it leave the field alone: add /spec/syncPolicy to "+
		"spec.ignoreApplicationDifferences of applicationset/%s", name),
		"application %s is written by applicationset %s, which would take the change back", app.GetName(), name)
}

func appSetLeaves(set *object) bool {
	if policy, _ := lookup(set.Object, path{"spec", "syncPolicy", "applicationsSync"}).(string); policy == "create-only" || policy == "create-delete" {
		return true
	}
	rules, _ := lookup(set.Object, path{"spec", "ignoreApplicationDifferences"}).([]any)
	return slices.ContainsFunc(rules, func(r any) bool {
		if nameOf(r) != "" {
			return false // for one application only
		}
		pointers, _ := child(r, "jsonPointers").([]any)
		return slices.ContainsFunc(pointers, func(p any) bool {
			s, ok := p.(string)
			return ok && slices.Contains([]string{"/spec/syncPolicy", "/spec/syncPolicy/automated", "/spec/syncPolicy/automated/enabled"}, s)
		})
	})
}
