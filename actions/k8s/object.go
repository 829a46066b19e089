package k8s

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// object is an object as the API server gives it.
type object = unstructured.Unstructured

// find gives an object, or nil when there is none.
func (cl *Cluster) find(ctx context.Context, k kind, name string) (*object, error) {
	obj, err := cl.API.Dynamic.Resource(k.gvr()).Namespace(cl.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(ctx, err, fmt.Sprintf("reading %s/%s", k.Name, name))
	}
	return obj, nil
}

// must gives an object; that there is none is a mistake in the inputs.
func (cl *Cluster) must(ctx context.Context, k kind, name string) (*object, error) {
	obj, err := cl.find(ctx, k, name)
	if err == nil && obj == nil {
		return nil, cl.missing(ctx, k, name)
	}
	return obj, err
}

// missing says that there is no such object, and which name may be meant.
func (cl *Cluster) missing(ctx context.Context, k kind, name string) error {
	names, err := cl.names(ctx, k)
	if err != nil && actions.KindOf(err) == actions.KindUnreachable {
		return err
	}
	hint := schema.DidYouMean(name, names)
	if hint == "" && len(names) > 0 && len(names) <= 10 {
		hint = "there are: " + strings.Join(names, ", ")
	}
	if hint == "" {
		hint = fmt.Sprintf("list them with: kubectl get %s -n %s", k.Resource, cl.Namespace)
	}
	return actions.Invalid(hint, "no %s %q in namespace %q", k.Name, name, cl.Namespace)
}

// list gives the objects of a kind that a label selector matches.
func (cl *Cluster) list(ctx context.Context, k kind, o metav1.ListOptions) ([]object, error) {
	found, err := cl.API.Dynamic.Resource(k.gvr()).Namespace(cl.Namespace).List(ctx, o)
	if err != nil {
		return nil, explain(ctx, err, "listing "+k.Resource)
	}
	return found.Items, nil
}

func (cl *Cluster) names(ctx context.Context, k kind) ([]string, error) {
	items, err := cl.list(ctx, k, metav1.ListOptions{Limit: 500})
	var names []string
	for _, it := range items {
		names = append(names, it.GetName())
	}
	return names, err
}

// typed reads an object into the type of its kind.
func typed[T any](obj *object) (*T, error) {
	out := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, out); err != nil {
		return nil, fmt.Errorf("%s %s has an unexpected form: %w", strings.ToLower(obj.GetKind()), obj.GetName(), err)
	}
	return out, nil
}

// plain turns a value into what JSON can say, as objects hold it.
func plain(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, decode(b, &out)
}

// decode reads JSON with whole numbers as int64, as objects hold them.
func decode(b []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(out); err != nil {
		return err
	}
	if v, ok := out.(*any); ok {
		*v = wholeNumbers(*v)
	}
	return nil
}

func wholeNumbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return i
		}
		f, err := x.Float64()
		if err != nil {
			return x.String()
		}
		return f
	case []any:
		for i := range x {
			x[i] = wholeNumbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = wholeNumbers(x[k])
		}
	}
	return v
}

// tidy gives a copy without what is noise to people and to a journal, and
// without the values of a Secret.
func tidy(obj *object) map[string]any {
	out := obj.DeepCopy()
	unstructured.RemoveNestedField(out.Object, "metadata", "managedFields")
	if out.GetKind() != "Secret" {
		return out.Object
	}
	unstructured.RemoveNestedField(out.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
	for _, field := range []string{"data", "stringData"} {
		values, _ := out.Object[field].(map[string]any)
		for key := range values {
			values[key] = "(redacted)"
		}
	}
	return out.Object
}
