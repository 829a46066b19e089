package k8s

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type removeIn struct {
	Kind         string `json:"kind" doc:"kind of the object"`
	Name         string `json:"name" doc:"name of the object"`
	UID          string `json:"uid,omitempty" doc:"UID that it must have: one of its name that was made since is left alone"`
	AllowNone    bool   `json:"allow_none" default:"false" doc:"whether it is fine that there is no such object; with a uid it always is"`
	DeleteClaims bool   `json:"delete_claims" default:"false" doc:"whether a volume claim may be deleted, or a StatefulSet whose policy deletes those of its pods: their data goes with them"`
}

// removeState is the object by UID, with all that is lost.
type removeState struct {
	Kind   kind            `json:"kind"`
	Name   string          `json:"name"`
	UID    string          `json:"uid,omitempty"`    // "" when there is none
	Fields json.RawMessage `json:"fields,omitempty"` // a manifest that makes it anew
}

type removeOut struct {
	Deleted bool   `json:"deleted" doc:"whether this step deleted it; false when it was gone"`
	UID     string `json:"uid" doc:"UID that it had"`
}

type remove struct{ family }

func deleteAction(f family) actions.Action {
	a := remove{f}
	return actions.Define(actions.Def[removeIn, removeState, removeOut]{
		Name:    "k8s.delete",
		Summary: "Delete one object, with what it owns, and wait until it is gone; its manifest is kept.",
		Effect:  actions.Destroy,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo, Differs: a.differs,
		Tell: func(o removeOut) string {
			if !o.Deleted {
				return "nothing was there to delete"
			}
			return "deleted"
		},
		Examples: []actions.Example{
			{Title: "Let the network in again", YAML: "uses: k8s.delete\nwith: {kind: networkpolicy, name: canary-off}\ntimeout: 30s"},
			{Title: "Take away an autoscaler, if there is one", YAML: "uses: k8s.delete\nwith: {kind: hpa, name: app-canary, allow_none: true}\ntimeout: 30s"},
		},
	})
}

func (a remove) prepare(ctx context.Context, c *actions.Call, in removeIn) (removeState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return removeState{}, err
	}
	k, err := cl.kindOf(ctx, in.Kind)
	if err != nil {
		return removeState{}, err
	}
	if k.is(secrets) {
		return removeState{}, noSecrets("deleted")
	}
	st := removeState{Kind: k, Name: in.Name}
	obj, err := cl.find(ctx, k, in.Name)
	switch {
	case err != nil:
		return st, err
	case obj == nil && (in.UID != "" || in.AllowNone):
		return st, nil
	case obj == nil:
		return st, cl.missing(ctx, k, in.Name)
	}
	if uid := string(obj.GetUID()); in.UID != "" && uid != in.UID {
		return st, actions.Refuse("look at it; it is not the one that was meant", "%s was made anew: its uid is %s, not %s", st.label(), uid, in.UID)
	}
	if err := in.allows(k, obj); err != nil {
		return st, err
	}
	st.UID = string(obj.GetUID())
	st.Fields, err = json.Marshal(captured(k, obj))
	return st, err
}

func (st removeState) label() string { return label(st.Kind, "", st.Name) }

// fields gives the manifest of the object.
func (st removeState) fields() (map[string]any, error) {
	fields, err := fieldsOf(st.Fields)
	if err != nil {
		return nil, fmt.Errorf("recorded manifest of %s: %w", st.label(), err)
	}
	return fields, nil
}

func (a remove) undo(_ removeIn, st removeState, out removeOut) ([]actions.Step, error) {
	if !out.Deleted {
		return nil, nil
	}
	fields, err := st.fields()
	if err != nil {
		return nil, err
	}
	return []actions.Step{{Name: "Make " + st.label() + " again", Uses: "k8s.apply", With: map[string]any{
		"manifest": fields, "before": "absent",
	}}}, nil
}

// differs: what was deleted is gone as long as nobody makes one of its name.
func (a remove) differs(ctx context.Context, c *actions.Call, _ removeIn, st removeState) ([]actions.FieldChange, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil || st.UID == "" {
		return nil, err
	}
	obj, err := cl.find(ctx, st.Kind, st.Name)
	if err != nil || obj == nil {
		return nil, err
	}
	return []actions.FieldChange{{Object: st.label(), Path: "uid", After: string(obj.GetUID())}}, nil
}
