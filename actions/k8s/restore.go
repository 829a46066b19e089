package k8s

import (
	"context"
	"fmt"
	"slices"

	"github.com/runbackhq/runback/actions"
)

func restoreAction(f family) actions.Action {
	a := hold{family: f, state: "goes on as before", edits: restoreEdits, notes: restoreNotes}
	return actions.Define(actions.Def[holdIn, holdState, holdOut]{
		Name:    "k8s.restore",
		Summary: "Let a controller go on that k8s.suspend held, as it was set before.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		Differs: differs[holdIn, holdState](f),
		Undo: func(in holdIn, st holdState, out holdOut) ([]actions.Step, error) {
			if !out.Changed {
				return nil, nil
			}
			return []actions.Step{{Name: "Suspend " + st.Write.object() + " again", Uses: "k8s.suspend", With: in.with()}}, nil
		},
		Settles: func(_ holdIn, st holdState) []string {
			if !st.Write.changes() {
				return nil
			}
			return []string{st.Key}
		},
		Tell: tellHold,
		Examples: []actions.Example{
			{Title: "Let Argo CD sync again", YAML: "uses: k8s.restore\nwith: {kind: argocd, name: shop, namespace: argocd}"},
		},
	})
}

// restoreEdits puts back the fields that still hold the controller. A field
// that somebody set to something else since is theirs.
func restoreEdits(_ context.Context, cl *Cluster, c *actions.Call, h holder, obj *object, st *holdState) ([]edit, error) {
	mark := annotation(suspendedFrom)
	text, _ := lookup(obj.Object, mark).(string)
	held := h.holds(obj, nil)
	if text == "" {
		if !held && obj.GetAnnotations()[receiptAnnotation] == c.Key {
			st.Done = "goes on already: this step did it"
			return nil, nil
		}
		hint := "it is not suspended: there is nothing to restore"
		if held {
			hint = fmt.Sprintf("whoever suspended it knows how it was; look at: kubectl get %s %s -n %s -o yaml", h.kind.group(), obj.GetName(), cl.Namespace)
		}
		return nil, actions.Refuse(hint, "%s %s was not suspended by k8s.suspend: it has no annotation %s", h.kind.Name, obj.GetName(), suspendedFrom)
	}
	before, fields, err := recall(text)
	if err != nil {
		return nil, actions.Refuse("put the fields right by hand, then remove the annotation", "annotation %s of %s %s cannot be read: %w", suspendedFrom, h.kind.Name, obj.GetName(), err)
	}
	var edits []edit
	for _, shown := range fields {
		at, err := parseDotted(shown)
		if err != nil || !h.stopsBelow(at) {
			return nil, actions.Refuse("put the fields right by hand, then remove the annotation",
				"annotation %s of %s %s names %s, which k8s.suspend does not set", suspendedFrom, h.kind.Name, obj.GetName(), shown)
		}
		if !h.holds(obj, at) {
			st.Notes = append(st.Notes, fmt.Sprintf("%s is %s by now and stays so: somebody set it after it was suspended", shown, short(lookup(obj.Object, at))))
			continue
		}
		edits = append(edits, edit{at, lookup(obj.Object, at), before[shown]})
	}
	return append(edits, edit{mark, text, nil}), nil
}

// stopsBelow keeps an annotation that somebody wrote from being used to write
// any field.
func (h holder) stopsBelow(at path) bool {
	return len(at) > 1 && slices.ContainsFunc(h.stops, func(s stop) bool {
		return len(s.at) >= len(at) && slices.Equal(s.at[:len(at)], at)
	})
}

func restoreNotes(h holder, obj *object) []string {
	if h.until != gitAgrees {
		return nil
	}
	notes := []string{"what Git says now is applied at once: see before that it is the version that shall run"}
	if status, _ := lookup(obj.Object, path{"status", "sync", "status"}).(string); status == "OutOfSync" {
		notes = append(notes, "Argo CD says that Git and the cluster differ (OutOfSync): this difference will be gone")
	}
	return notes
}
