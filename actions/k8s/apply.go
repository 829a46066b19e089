package k8s

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

type applyIn struct {
	Manifest map[string]any `json:"manifest" doc:"the object as it shall be: apiVersion, kind, metadata.name, and the fields to set; what it leaves out stays as it is"`
	Before   string         `json:"before" enum:"any|absent|present" default:"any" doc:"what must be there before: anything, no such object, or the object; present keeps a wrong name from making a new one"`
	Force    bool           `json:"force" default:"false" doc:"whether to take over fields that somebody else set, as kubectl apply --server-side --force-conflicts does"`
}

// applyState is a change of an object that is there, or the making of one that
// is not.
type applyState struct {
	Write *write  `json:"write,omitempty"`
	Make  *making `json:"make,omitempty"`
}

type applyOut struct {
	Changed         bool     `json:"changed" doc:"whether something was written"`
	Created         bool     `json:"created" doc:"whether this step made the object"`
	Name            string   `json:"name" doc:"name of the object; a step that takes it from here is planned as one that comes after"`
	UID             string   `json:"uid" doc:"UID of the object"`
	ResourceVersion string   `json:"resource_version" doc:"version of the object after it"`
	Changes         []change `json:"changes" doc:"fields that were changed; empty when the object was made"`
}

// apply takes one object. That makes its effect one request, which landed or
// did not: of several, a crash could leave some, and a probe would have nothing
// better to say than "partial". A foreach applies several, and is recorded,
// probed and undone object by object.
type apply struct{ family }

func applyAction(f family) actions.Action {
	a := apply{f}
	return actions.Define(actions.Def[applyIn, applyState, applyOut]{
		Name:    "k8s.apply",
		Summary: "Make an object, or set the fields of one that is there, as a manifest says.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo, Differs: a.differs,
		Tell: tellApply,
		Examples: []actions.Example{
			{Title: "Set a limit in a ConfigMap, or make it",
				YAML: "uses: k8s.apply\nwith:\n  manifest:\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: app-limits}\n    data: {requests_per_second: \"50\"}"},
			{Title: "Shut the canary off from the network, and nothing of another name",
				YAML: "uses: k8s.apply\nwith:\n  before: absent\n  manifest:\n    apiVersion: networking.k8s.io/v1\n    kind: NetworkPolicy\n    metadata: {name: canary-off}\n    spec: {podSelector: {matchLabels: {version: canary}}, policyTypes: [Ingress]}"},
		},
	})
}

func (a apply) prepare(ctx context.Context, c *actions.Call, in applyIn) (applyState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return applyState{}, err
	}
	m, err := cl.manifestOf(ctx, in.Manifest)
	if err != nil {
		return applyState{}, err
	}
	live, err := cl.find(ctx, m.kind, m.name)
	if err != nil {
		return applyState{}, err
	}
	if live == nil {
		if in.Before == "present" {
			return applyState{}, cl.missing(ctx, m.kind, m.name)
		}
		made, err := cl.makingOf(ctx, m, c.Key)
		return applyState{Make: made}, err
	}
	// A step that is prepared again finds its own work done.
	if in.Before == "absent" && live.GetAnnotations()[receiptAnnotation] != c.Key {
		return applyState{}, actions.Refuse("look at it; if it may be changed: before: any", "%s is there already, made %s", m.label(), live.GetCreationTimestamp().UTC().Format("2006-01-02 15:04:05Z"))
	}
	w, err := cl.changeTo(ctx, m, live, in.Force)
	return applyState{Write: w}, err
}

func (a apply) preview(ctx context.Context, c *actions.Call, _ applyIn, st applyState) (actions.Preview, error) {
	if st.Make == nil {
		return patch(a).preview(ctx, c, patchIn{}, st.wrote())
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	return st.Make.preview(ctx, cl, c)
}

func (a apply) run(ctx context.Context, c *actions.Call, _ applyIn, st applyState) (applyOut, error) {
	if st.Make == nil {
		out, err := patch(a).run(ctx, c, patchIn{}, st.wrote())
		return appliedOut(out, st.wrote()), err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return applyOut{}, err
	}
	obj, err := st.Make.create(ctx, cl, c)
	if err != nil {
		return applyOut{}, err
	}
	return madeOut(obj), nil
}

func (a apply) probe(ctx context.Context, c *actions.Call, _ applyIn, st applyState) (actions.Verdict, applyOut, error) {
	if st.Make == nil {
		verdict, out, err := patch(a).probe(ctx, c, patchIn{}, st.wrote())
		return verdict, appliedOut(out, st.wrote()), err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, applyOut{}, err
	}
	obj, err := cl.find(ctx, st.Make.Kind, st.Make.Name)
	if err != nil {
		return actions.Unknown, applyOut{}, err
	}
	verdict := st.Make.verdict(obj, c.Key)
	if verdict != actions.Applied {
		return verdict, applyOut{Name: st.Make.Name, Changes: []change{}}, nil
	}
	return verdict, madeOut(obj), nil
}

// undo of a change is the one of a patch. What was made is deleted, and only
// that very object.
func (a apply) undo(_ applyIn, st applyState, out applyOut) ([]actions.Step, error) {
	if !out.Changed {
		return nil, nil
	}
	if st.Make != nil {
		return []actions.Step{{Name: "Delete " + st.Make.label(), Uses: "k8s.delete", With: map[string]any{
			"kind": st.Make.Kind.full(), "name": st.Make.Name, "uid": out.UID,
		}}}, nil
	}
	return st.Write.inverse("Put " + st.Write.object() + " back"), nil
}

func (a apply) differs(ctx context.Context, c *actions.Call, in applyIn, st applyState) ([]actions.FieldChange, error) {
	if st.Make == nil {
		return differs[applyIn, applyState](a.family)(ctx, c, in, st)
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return nil, err
	}
	obj, err := cl.find(ctx, st.Make.Kind, st.Make.Name)
	if err != nil {
		return nil, err
	}
	return st.Make.differing(obj)
}

func (st applyState) wrote() write {
	if st.Write == nil {
		return write{}
	}
	return *st.Write
}

func appliedOut(o patchOut, w write) applyOut {
	return applyOut{Changed: o.Changed, Name: w.Name, UID: w.UID, ResourceVersion: o.ResourceVersion, Changes: o.Changes}
}

func madeOut(obj *object) applyOut {
	return applyOut{Changed: true, Created: true, Name: obj.GetName(), UID: string(obj.GetUID()), ResourceVersion: obj.GetResourceVersion(), Changes: []change{}}
}
