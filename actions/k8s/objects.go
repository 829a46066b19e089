package k8s

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

// Objects gives other families the way to objects of the cluster, by the same
// writes as ours.
func (cl *Cluster) Objects() kube.Cluster { return objects{cl} }

type objects struct{ cl *Cluster }

// kind gives a kind in the version that is served. One that is not known has no
// objects.
func (o objects) kind(ctx context.Context, k kube.Kind) (kind, bool, error) {
	return o.cl.served(ctx, kind{Name: k.Name, Group: k.Group, Resource: k.Resource})
}

func (o objects) Find(ctx context.Context, k kube.Kind, name string) (*object, error) {
	is, known, err := o.kind(ctx, k)
	if err != nil || !known {
		return nil, err
	}
	return o.cl.find(ctx, is, name)
}

func (o objects) Must(ctx context.Context, k kube.Kind, name string) (*object, error) {
	is, known, err := o.kind(ctx, k)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, actions.Invalid("list the kinds with: kubectl api-resources", "the API server knows no kind %s", is.group())
	}
	return o.cl.must(ctx, is, name)
}

func (o objects) List(ctx context.Context, k kube.Kind, selector string) ([]object, error) {
	is, known, err := o.kind(ctx, k)
	if err != nil || !known {
		return nil, err
	}
	return o.cl.list(ctx, is, metav1.ListOptions{LabelSelector: selector})
}

func (o objects) Ready(ctx context.Context, owner *object) (int, error) {
	pods, err := o.cl.podsUnder(ctx, owner)
	return count(pods, serving), err
}

func (o objects) Prepare(ctx context.Context, c kube.Change) (kube.Write, error) {
	is, _, err := o.kind(ctx, c.Kind)
	if err != nil {
		return kube.Write{}, err
	}
	var edits []edit
	var guards []guard
	for _, e := range c.Edits {
		value, err := plain(e.Value)
		if err != nil {
			return kube.Write{}, fmt.Errorf("value of %s: %w", path(e.Path).show(c.Object.Object), err)
		}
		edits = append(edits, edit{e.Path, lookup(c.Object.Object, e.Path), value})
	}
	for _, p := range c.Relies {
		guards = append(guards, guard{p, lookup(c.Object.Object, p)})
	}
	w := newWrite(is, c.Object, edits, guards...)
	w.Subresource = c.Subresource
	form, err := json.Marshal(w)
	return kube.Write{Object: w.object(), Changes: w.changes(), Form: form, Back: w.inverse(c.Back)}, err
}

func (o objects) form(w kube.Write) (write, error) {
	var out write
	if err := json.Unmarshal(w.Form, &out); err != nil {
		return out, fmt.Errorf("recorded change of %s: %w", w.Object, err)
	}
	return out, nil
}

func (o objects) Preview(ctx context.Context, c *actions.Call, w kube.Write) (actions.Preview, error) {
	form, err := o.form(w)
	if err != nil {
		return actions.Preview{}, err
	}
	return form.preview(ctx, o.cl, c)
}

func (o objects) Apply(ctx context.Context, c *actions.Call, w kube.Write) (bool, error) {
	form, err := o.form(w)
	if err != nil {
		return false, err
	}
	_, changed, err := form.apply(ctx, o.cl, c)
	return changed, err
}

func (o objects) Probe(ctx context.Context, c *actions.Call, w kube.Write) (actions.Verdict, error) {
	form, err := o.form(w)
	if err != nil {
		return actions.Unknown, err
	}
	verdict, _, err := form.probe(ctx, o.cl, c)
	return verdict, err
}

func (o objects) Differs(ctx context.Context, w kube.Write) ([]actions.FieldChange, error) {
	form, err := o.form(w)
	if err != nil || !form.changes() {
		return nil, err
	}
	obj, err := o.cl.find(ctx, form.Kind, form.Name)
	if err != nil {
		return nil, err
	}
	return form.differing(obj), nil
}
