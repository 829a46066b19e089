package kubeapi

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// oldest is the age at which a list of kinds is no proof any more that a kind is
// not served: a step before may have installed it.
const oldest = 10 * time.Second

// Kinds knows which kinds the API server serves, and finds the one that a name
// means. It asks at the first need, and again when a kind is not found in a list
// that is not new.
type Kinds struct {
	rest rest.Interface
	now  func() time.Time

	mu    sync.Mutex
	at    time.Time
	index *index
}

// Resource gives the resource that a name means: plural, singular or short, of
// any group or one, in the version that is preferred or in the one that is named.
// An error for which meta.IsNoMatchError is true says that it is not served.
func (k *Kinds) Resource(ctx context.Context, wanted schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	return look(ctx, k, func(i *index) (schema.GroupVersionResource, error) { return i.mapper.ResourceFor(i.long(wanted)) })
}

// Kind gives the kind of a resource.
func (k *Kinds) Kind(ctx context.Context, of schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	return look(ctx, k, func(i *index) (schema.GroupVersionKind, error) { return i.mapper.KindFor(i.long(of)) })
}

// Mapping gives the resource of a kind, and whether it lives in a namespace.
func (k *Kinds) Mapping(ctx context.Context, of schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	return look(ctx, k, func(i *index) (*meta.RESTMapping, error) { return i.mapper.RESTMapping(of, versions...) })
}

func look[T any](ctx context.Context, k *Kinds, find func(*index) (T, error)) (T, error) {
	i, young, err := k.list(ctx, false)
	if err != nil {
		var none T
		return none, err
	}
	got, err := find(i)
	if !meta.IsNoMatchError(err) || young {
		return got, err
	}
	if i, _, err = k.list(ctx, true); err != nil {
		return got, err
	}
	return find(i)
}

// list gives the list, and whether it is young enough to prove that a kind is
// not served.
func (k *Kinds) list(ctx context.Context, anew bool) (*index, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.index == nil || anew && k.now().Sub(k.at) > oldest {
		found, err := versions(ctx, k.rest)
		if err != nil {
			return nil, false, err
		}
		k.index, k.at = newIndex(found), k.now()
	}
	return k.index, k.now().Sub(k.at) <= oldest, nil
}

// index finds kinds in what an API server said.
type index struct {
	mapper meta.RESTMapper
	known  []version
}

// newIndex makes the mapper by the rules of kubectl (client-go,
// restmapper/discovery.go): core first, then the groups and versions in the
// order of the API server.
func newIndex(known []version) *index {
	all := &meta.PriorityRESTMapper{
		ResourcePriority: []schema.GroupVersionResource{{Version: "v1", Resource: meta.AnyResource}},
		KindPriority:     []schema.GroupVersionKind{{Version: "v1", Kind: meta.AnyKind}},
	}
	var each meta.MultiRESTMapper
	for _, v := range known {
		all.ResourcePriority = append(all.ResourcePriority, v.WithResource(meta.AnyResource))
		all.KindPriority = append(all.KindPriority, v.WithKind(meta.AnyKind))
		each = append(each, v.mapper())
	}
	for _, v := range known {
		all.ResourcePriority = append(all.ResourcePriority, schema.GroupVersionResource{Group: v.Group, Version: meta.AnyVersion, Resource: meta.AnyResource})
		all.KindPriority = append(all.KindPriority, schema.GroupVersionKind{Group: v.Group, Version: meta.AnyVersion, Kind: meta.AnyKind})
	}
	all.Delegate = each
	return &index{mapper: all, known: known}
}

func (v version) mapper() *meta.DefaultRESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{v.GroupVersion})
	for _, r := range v.kinds {
		if strings.Contains(r.Name, "/") {
			continue // a subresource
		}
		scope := meta.RESTScopeNamespace
		if !r.Namespaced {
			scope = meta.RESTScopeRoot
		}
		plural, singular := v.WithResource(r.Name), v.WithResource(r.SingularName)
		if r.SingularName == "" { // old servers do not say it
			_, singular = meta.UnsafeGuessKindToResource(v.WithKind(r.Kind))
		}
		m.AddSpecific(v.WithKind(strings.ToLower(r.Kind)), plural, singular, scope)
		m.AddSpecific(v.WithKind(r.Kind), plural, singular, scope)
	}
	return m
}

// long gives the full name for a short one, as deploy for deployments. A full
// name is never taken for a short one of another group.
func (i *index) long(r schema.GroupVersionResource) schema.GroupVersionResource {
	found := r
	for _, v := range i.known {
		if r.Group != "" && r.Group != v.Group {
			continue
		}
		for _, k := range v.kinds {
			if k.Name == r.Resource || k.SingularName == r.Resource {
				return r
			}
			for _, short := range k.ShortNames {
				if found == r && short == r.Resource {
					found.Group, found.Resource = v.Group, k.Name
				}
			}
		}
	}
	return found
}
