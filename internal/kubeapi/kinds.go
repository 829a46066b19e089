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
// means. It asks at the first need, and again when a kind is not found that was
// asked for.
type Kinds struct {
	rest rest.Interface
	now  func() time.Time

	mu    sync.Mutex
	index *index
}

// Resource gives the resource that a name means: plural, singular or short, of
// any group or one, in the version that is preferred or in the one that is named.
// An error for which meta.IsNoMatchError is true says that it is not served.
func (k *Kinds) Resource(ctx context.Context, wanted schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	return look(ctx, k, func(i *index) (schema.GroupVersionResource, error) { return i.mapper.ResourceFor(i.long(wanted)) })
}

// Known is Resource for who only looks whether a kind is there, as are the kinds
// of controllers that most clusters do not have: it takes a list of the last ten
// seconds for proof.
func (k *Kinds) Known(ctx context.Context, wanted schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	return within(ctx, k, oldest, func(i *index) (schema.GroupVersionResource, error) { return i.mapper.ResourceFor(i.long(wanted)) })
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
	return within(ctx, k, 0, find)
}

// within finds a kind, in a list that is not older than age when it is not found.
func within[T any](ctx context.Context, k *Kinds, age time.Duration, find func(*index) (T, error)) (T, error) {
	i, fresh, err := k.list(ctx, func(*index) bool { return false })
	if err != nil {
		var none T
		return none, err
	}
	got, err := find(i)
	if !meta.IsNoMatchError(err) || fresh {
		return got, err
	}
	// Another one may have asked meanwhile.
	if i, _, err = k.list(ctx, func(now *index) bool { return now == i && k.now().Sub(now.at) >= age }); err != nil {
		return got, err
	}
	return find(i)
}

// list gives the list, and whether it was asked for now. It asks where there is
// none, or one that is not good enough.
func (k *Kinds) list(ctx context.Context, old func(*index) bool) (*index, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.index != nil && !old(k.index) {
		return k.index, false, nil
	}
	at := k.now()
	found, err := versions(ctx, k.rest)
	if err != nil {
		return nil, false, err
	}
	k.index = newIndex(found)
	k.index.at = at
	return k.index, true, nil
}

// index finds kinds in what an API server said.
type index struct {
	mapper meta.RESTMapper
	known  []version
	at     time.Time // when it was asked for
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
