package k8s

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// making is an object that is not there and will be. It is kept as text: a
// number that is read back from a journal as another type would be another one.
type making struct {
	Kind   kind            `json:"kind"`
	Name   string          `json:"name"`
	Fields json.RawMessage `json:"fields"` // as it is sent
	Stored json.RawMessage `json:"stored"` // the same fields as the API server stores them: 0.5 of a CPU as 500m
}

func (m making) label() string { return label(m.Kind, "", m.Name) }

// makingOf has the API server make the object in a dry run.
func (cl *Cluster) makingOf(ctx context.Context, m manifest, key string) (*making, error) {
	fields, err := json.Marshal(m.fields)
	if err != nil {
		return nil, fmt.Errorf("manifest of %s: %w", m.label(), err)
	}
	made := &making{Kind: m.kind, Name: m.name, Fields: fields, Stored: fields}
	after, err := made.send(ctx, cl, key, true)
	if dryRunForbidden(err) {
		return made, nil
	}
	if err != nil {
		return nil, explain(ctx, err, "creating "+m.label())
	}
	made.Stored, err = json.Marshal(partOf(m.fields, after.Object))
	return made, err
}

func (m making) send(ctx context.Context, cl *Cluster, key string, dry bool) (*object, error) {
	fields, err := fieldsOf(m.Fields)
	if err != nil {
		return nil, fmt.Errorf("recorded manifest of %s: %w", m.label(), err)
	}
	if err := assign(fields, annotation(receiptAnnotation), key); err != nil {
		return nil, actions.Invalid("annotations are a map of name to text", "manifest of %s: %w", m.label(), err)
	}
	o := metav1.CreateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return cl.API.Dynamic.Resource(m.Kind.gvr()).Namespace(cl.Namespace).Create(ctx, &object{Object: fields}, o)
}

// create makes the object. One of the same name that carries the receipt is
// ours: the client sends a request again when the answer was 5xx with a
// Retry-After.
func (m making) create(ctx context.Context, cl *Cluster, c *actions.Call) (*object, error) {
	obj, err := m.send(ctx, cl, c.Key, false)
	if !apierrors.IsAlreadyExists(err) {
		return obj, explain(ctx, err, "creating "+m.label())
	}
	now, err := cl.find(ctx, m.Kind, m.Name)
	switch {
	case err != nil:
		return nil, err
	case m.verdict(now, c.Key) == actions.Applied:
		return now, nil
	}
	return nil, m.taken(now)
}

func (m making) taken(now *object) error {
	if now != nil && now.GetDeletionTimestamp() != nil {
		return actions.Conflict(prepareAgain, "%s is being deleted and not gone yet", m.label())
	}
	return actions.Conflict(prepareAgain, "%s was made by somebody else meanwhile", m.label())
}

// verdict reads the object. There was none when the step was prepared, so the
// receipt on one is of this very creation.
func (m making) verdict(obj *object, key string) actions.Verdict {
	switch {
	case obj == nil:
		return actions.NotApplied
	case obj.GetAnnotations()[receiptAnnotation] == key:
		return actions.Applied
	}
	return actions.Foreign
}

func (m making) preview(ctx context.Context, cl *Cluster, c *actions.Call) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: m.label()}
	after, err := m.send(ctx, cl, c.Key, true)
	if apierrors.IsAlreadyExists(err) {
		return p, m.taken(nil)
	}
	if dryRunForbidden(err) {
		p.Label = actions.Predicted
		p.Notes = append(p.Notes, "API server cannot preview this, the fields are those of the manifest: "+err.Error())
		var fields map[string]any
		fields, err = fieldsOf(m.Fields)
		after = &object{Object: fields}
		after.SetNamespace(cl.Namespace)
	}
	if err != nil {
		return p, explain(ctx, err, "creating "+m.label())
	}
	stored, err := fieldsOf(m.Stored)
	if err != nil {
		return p, fmt.Errorf("recorded manifest of %s: %w", m.label(), err)
	}
	p.Changes = fieldsIn(stored, actions.FieldChange{Path: "metadata.name", After: m.Name}, func(v any) (before, after any) { return nil, v })
	p.Summary = fmt.Sprintf("makes it, with %d fields", len(p.Changes)-1)
	rivals, notes, err := cl.adversaries(ctx, after, p.Changes)
	p.Adversaries = rivals
	p.Notes = append(append(p.Notes, "it is not there now; what the manifest leaves out gets the API server's defaults"), notes...)
	return p, err
}

// differing compares the fields of the manifest; what others added to the object
// is theirs.
func (m making) differing(obj *object) ([]actions.FieldChange, error) {
	if obj == nil {
		return []actions.FieldChange{{Object: m.label(), Path: "metadata.name", Before: m.Name}}, nil
	}
	stored, err := fieldsOf(m.Stored)
	if err != nil {
		return nil, fmt.Errorf("recorded manifest of %s: %w", m.label(), err)
	}
	d := &differ{}
	d.walk("", stored, partOf(stored, obj.Object))
	for i := range d.changes {
		d.changes[i].Object = m.label()
	}
	return d.changes, nil
}
