// Package kube is what families other than k8s need of a cluster: to read
// objects, and to change some fields of one exactly as the family k8s does, by a
// compare-and-set that is previewed by the API server, probed and taken back.
//
// The family k8s implements it. It is an interface so that families stay apart.
package kube

import (
	"context"
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// Object is an object as the API server gives it.
type Object = unstructured.Unstructured

// Kind names a kind of objects; its version is the one that the API server
// prefers.
type Kind struct {
	Name     string `json:"name"` // as people write it: rollout
	Group    string `json:"group"`
	Resource string `json:"resource"` // rollouts
}

// Edit sets a field; a nil value removes it.
type Edit struct {
	Path  []string
	Value any
}

// Change is what shall be set in one object, and what it relies on.
type Change struct {
	Kind        Kind
	Object      *Object // as it was read
	Subresource string  // "status", or "" for the object itself
	Edits       []Edit
	Relies      [][]string // paths of fields that must stay as they were read
	Back        string     // name of the step that takes it back
}

// Write is a change that was made absolute: journaled before it is made.
type Write struct {
	Object  string          `json:"object"`  // "rollout/app"
	Changes bool            `json:"changes"` // whether there is anything to write
	Form    json.RawMessage `json:"form"`    // only the implementation reads it
	Back    []actions.Step  `json:"back,omitempty"`
}

// Cluster is a namespace of a cluster.
type Cluster interface {
	// Find gives an object, or nil when there is none. Must takes that for a
	// mistake in the inputs.
	Find(ctx context.Context, k Kind, name string) (*Object, error)
	Must(ctx context.Context, k Kind, name string) (*Object, error)
	// List gives the objects that a label selector matches; "" matches all.
	List(ctx context.Context, k Kind, selector string) ([]Object, error)
	// Ready counts the pods that an object controls, are ready and will stay.
	Ready(ctx context.Context, owner *Object) (int, error)

	// Prepare captures what is there; the others preview, make, probe and compare
	// the change.
	Prepare(ctx context.Context, c Change) (Write, error)
	Preview(ctx context.Context, c *actions.Call, w Write) (actions.Preview, error)
	Apply(ctx context.Context, c *actions.Call, w Write) (changed bool, err error)
	Probe(ctx context.Context, c *actions.Call, w Write) (actions.Verdict, error)
	Differs(ctx context.Context, w Write) ([]actions.FieldChange, error)
}

// Connector gives the cluster that a target names.
type Connector func(ctx context.Context, t actions.KubernetesTarget) (Cluster, error)

// Written gives an error that came after a write: that the world is another one
// by now must not sound as if nothing was written.
func Written(err error) error {
	switch actions.KindOf(err) {
	case actions.KindRefused, actions.KindConflict, actions.KindInvalid:
		return &actions.Error{Kind: actions.KindFailed, Hint: actions.HintOf(err), Err: err}
	default:
		return err
	}
}

// At gives the value of a field, or nil.
func At(obj *Object, path ...string) any {
	v, _, err := unstructured.NestedFieldNoCopy(obj.Object, path...)
	if err != nil {
		return nil
	}
	return v
}

// Text gives a field that holds text, or "".
func Text(obj *Object, path ...string) string {
	s, _ := At(obj, path...).(string)
	return s
}

// Number gives a field that holds a whole number; known is false when it is
// absent.
func Number(obj *Object, path ...string) (n int, known bool) {
	i, known := At(obj, path...).(int64)
	return int(i), known
}

// True says whether a field holds true.
func True(obj *Object, path ...string) bool {
	b, _ := At(obj, path...).(bool)
	return b
}
