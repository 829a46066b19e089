package helm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type object = unstructured.Unstructured

// parse reads the objects of a stored manifest: YAML documents, of which some may
// be lists.
func parse(manifest string) ([]*object, error) {
	var out []*object
	docs := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(manifest)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("manifest cannot be read: %w", err)
		}
		obj := &object{}
		if err := yaml.Unmarshal(doc, &obj.Object); err != nil {
			return nil, errors.New("manifest is not YAML of objects") // the reason would quote it
		}
		if len(bytes.TrimSpace(doc)) == 0 || len(obj.Object) == 0 {
			continue
		}
		if out, err = add(out, obj); err != nil {
			return nil, err
		}
	}
}

func add(out []*object, obj *object) ([]*object, error) {
	if obj.IsList() && strings.HasSuffix(obj.GetKind(), "List") {
		list, err := obj.ToList()
		if err != nil {
			return nil, errors.New("manifest holds a list of something else than objects")
		}
		for i := range list.Items {
			if out, err = add(out, &list.Items[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	if obj.GetAPIVersion() == "" || obj.GetKind() == "" || obj.GetName() == "" {
		return nil, errors.New("manifest holds an object without apiVersion, kind or name")
	}
	return append(out, obj), nil
}

// placed is an object of a manifest with where it lives.
type placed struct {
	*object
	at      *meta.RESTMapping
	unknown string // why the API server does not know the kind; then at is nil
}

// key names an object so that it is found in another revision, whose manifest may
// name another version of its API: helm compares the same (kube/resource.go).
func (p placed) key() string {
	return p.GroupVersionKind().GroupKind().String() + " " + p.GetNamespace() + "/" + p.GetName()
}

// label names it for people.
func (p placed) label(home string) string {
	name := p.GetName()
	if ns := p.GetNamespace(); ns != "" && ns != home {
		name = ns + "/" + name
	}
	return strings.ToLower(p.GetKind()) + "/" + name
}

// objects gives the objects of a revision in an order that is always the same.
func (cl Cluster) objects(ctx context.Context, r record) ([]placed, error) {
	parsed, err := parse(r.Manifest)
	if err != nil {
		return nil, fmt.Errorf("revision %d of release %s: %w", r.Version, r.Name, err)
	}
	out := make([]placed, 0, len(parsed))
	for _, obj := range parsed {
		p, err := cl.place(ctx, obj)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b placed) int { return strings.Compare(a.label(cl.Namespace), b.label(cl.Namespace)) })
	return out, nil
}

// place finds where an object lives, and gives it the namespace of the release
// where it names none, as helm does.
func (cl Cluster) place(ctx context.Context, obj *object) (placed, error) {
	gvk := obj.GroupVersionKind()
	at, err := cl.API.Kinds.Mapping(ctx, schema.GroupKind{Group: gvk.Group, Kind: gvk.Kind}, gvk.Version)
	if meta.IsNoMatchError(err) {
		return placed{object: obj, unknown: "the API server does not know " + gvk.GroupVersion().String() + " " + gvk.Kind}, nil
	}
	if err != nil {
		return placed{}, cl.Explain(ctx, err, "looking up kind "+gvk.Kind)
	}
	if at.Scope.Name() == meta.RESTScopeNameNamespace && obj.GetNamespace() == "" {
		obj.SetNamespace(cl.Namespace)
	}
	return placed{object: obj, at: at}, nil
}
