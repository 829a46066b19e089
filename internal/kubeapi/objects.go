package kubeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Objects are the objects of one kind, in one namespace or of the whole cluster.
// T is the type of one of them, L that of a list. The errors are those of
// k8s.io/apimachinery/pkg/api/errors.
type Objects[T, L any] struct {
	rest      rest.Interface
	at        schema.GroupVersionResource
	namespace string
}

// on leads a request to the kind.
func (o Objects[T, L]) on(r *rest.Request) *rest.Request {
	path := []string{"apis", o.at.Group, o.at.Version}
	if o.at.Group == "" {
		path = []string{"api", o.at.Version}
	}
	return r.AbsPath(path...).NamespaceIfScoped(o.namespace, o.namespace != "").Resource(o.at.Resource)
}

// Get reads one.
func (o Objects[T, L]) Get(ctx context.Context, name string) (*T, error) {
	return read[T](o.on(o.rest.Get()).Name(name).Do(ctx))
}

// List reads those that the options choose.
func (o Objects[T, L]) List(ctx context.Context, opts metav1.ListOptions) (*L, error) {
	return read[L](o.on(o.rest.Get()).SpecificallyVersionedParams(&opts, metav1.ParameterCodec, schema.GroupVersion{Version: "v1"}).Do(ctx))
}

// Create makes one, as the manager of its fields.
func (o Objects[T, L]) Create(ctx context.Context, obj *T, manager string) (*T, error) {
	return send(ctx, o.on(o.rest.Post()), obj, manager)
}

// Update replaces one; a resourceVersion in it makes that a compare-and-set.
func (o Objects[T, L]) Update(ctx context.Context, name string, obj *T, manager string) (*T, error) {
	return send(ctx, o.on(o.rest.Put()).Name(name), obj, manager)
}

// Stream is a request for a connection to one, such as exec and portforward.
func (o Objects[T, L]) Stream(name, subresource string) *rest.Request {
	return o.on(o.rest.Post()).Name(name).SubResource(subresource)
}

// Log is a request for the log of one, a pod.
func (o Objects[T, L]) Log(name string) *rest.Request {
	return o.on(o.rest.Get()).Name(name).SubResource("log")
}

// send writes an object. It needs no apiVersion and kind: the path says them
// (apiserver, endpoints/handlers/create.go takes them for the default).
func send[T any](ctx context.Context, r *rest.Request, obj *T, manager string) (*T, error) {
	body, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	if manager != "" {
		r = r.Param("fieldManager", manager)
	}
	return read[T](r.SetHeader("Content-Type", "application/json").Body(body).Do(ctx))
}

// read takes an answer apart. Error comes first: it alone makes a reason out of
// the body of a refusal.
func read[T any](answer rest.Result) (*T, error) {
	if err := answer.Error(); err != nil {
		return nil, err
	}
	body, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	// Whoever answers in the place of an API server must not be taken for one that
	// has nothing: an answer that is not of the kind that was asked for is an error.
	var is metav1.TypeMeta
	want := reflect.TypeFor[T]().Name()
	if err := json.Unmarshal(body, &is); err != nil {
		return nil, fmt.Errorf("answer of the API server is no %s: %w", want, err)
	}
	if is.Kind != want {
		return nil, fmt.Errorf("answer of the API server is no %s: its kind is %q", want, is.Kind)
	}
	out := new(T)
	if err := json.Unmarshal(body, out); err != nil {
		return nil, fmt.Errorf("answer of the API server is no %s: %w", want, err)
	}
	return out, nil
}
