package kubeapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/runbackhq/runback/internal/kubeapi"
	"github.com/runbackhq/runback/internal/testcluster"
)

// old asks in the way that all API servers understand.
type old struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o old) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "application/json")
	return o.RoundTripper.RoundTrip(r)
}

// TestKinds holds the kinds that are found, by every name that an object can be
// called by, against kubectl's own mapper on the same API server, in both forms
// in which an API server says what it serves.
func TestKinds(t *testing.T) {
	env := testcluster.Up(t, "healthy", "--quiet", "--rate", "20")
	config, err := clientcmd.BuildConfigFromFlags("", env.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 200, 400
	disco := memory.NewMemCacheClient(discovery.NewDiscoveryClientForConfigOrDie(config))
	kubectl := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(disco), disco, nil)
	names, kinds := called(t, disco)
	if len(names) < 200 || len(kinds) < 60 {
		t.Fatalf("only %d names and %d kinds", len(names), len(kinds))
	}
	plain := rest.CopyConfig(config)
	plain.Wrap(func(rt http.RoundTripper) http.RoundTripper { return old{rt} })
	for form, config := range map[string]*rest.Config{"at once": config, "one by one": plain} {
		t.Run(form, func(t *testing.T) {
			client, err := kubeapi.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for _, name := range names {
				want, wantErr := kubectl.ResourceFor(name)
				got, err := client.Kinds.Resource(t.Context(), name)
				if got != want || meta.IsNoMatchError(err) != meta.IsNoMatchError(wantErr) {
					t.Errorf("%v is %v (%v), kubectl says %v (%v)", name, got, err, want, wantErr)
				}
				if err != nil {
					continue
				}
				wantKind, _ := kubectl.KindFor(want)
				if kind, err := client.Kinds.Kind(t.Context(), got); kind != wantKind || err != nil {
					t.Errorf("kind of %v is %v (%v), kubectl says %v", got, kind, err, wantKind)
				}
			}
			hpa := schema.GroupVersionResource{Group: "autoscaling", Version: "v1", Resource: "hpa"}
			if got, err := client.Kinds.Resource(t.Context(), hpa); got.Version != "v1" || got.Resource != "horizontalpodautoscalers" {
				t.Errorf("%v is %v (%v)", hpa, got, err)
			}
			for _, gvk := range kinds {
				want, _ := kubectl.RESTMapping(gvk.GroupKind(), gvk.Version)
				got, err := client.Kinds.Mapping(t.Context(), gvk.GroupKind(), gvk.Version)
				if err != nil || got.Resource != want.Resource || got.Scope.Name() != want.Scope.Name() {
					t.Errorf("%v is %v (%v), kubectl says %v", gvk, got, err, want)
				}
			}
		})
	}
}

// called gives what the kinds of an API server may be called, and their full
// names; some of the names are wrong.
func called(t *testing.T, disco discovery.DiscoveryInterface) (names []schema.GroupVersionResource, kinds []schema.GroupVersionKind) {
	t.Helper()
	_, lists, err := disco.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") {
				continue
			}
			kinds = append(kinds, gv.WithKind(r.Kind))
			for _, n := range []string{r.Name, r.SingularName, strings.ToLower(r.Kind), r.Name + "x"} {
				names = append(names, schema.GroupVersionResource{Resource: n}, gv.WithResource(n),
					schema.GroupVersionResource{Group: gv.Group, Resource: n}, schema.GroupVersionResource{Group: "nowhere.example.com", Resource: n})
			}
			for _, n := range r.ShortNames {
				// For kubectl "ev" is the one of core or that of events.k8s.io, by chance.
				// With a version too it forgets the version: it is not compared here.
				if n != "ev" {
					names = append(names, schema.GroupVersionResource{Resource: n}, schema.GroupVersionResource{Group: gv.Group, Resource: n})
				}
			}
		}
	}
	return names, kinds
}

// TestKindsOfANewKind: what a step before has installed is found, and what is
// not served is not asked for again and again.
func TestKindsOfANewKind(t *testing.T) {
	env := testcluster.Up(t, "healthy", "--quiet", "--rate", "20")
	config, err := clientcmd.BuildConfigFromFlags("", env.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var asked int
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return counting{rt, &asked} })
	client, err := kubeapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	now := time.Now()
	kubeapi.SetClock(client, func() time.Time { return now })
	widget := schema.GroupVersionResource{Group: "example.com", Resource: "widgets"}
	for range 3 {
		if _, err := client.Kinds.Known(t.Context(), widget); !meta.IsNoMatchError(err) {
			t.Fatalf("found, or %v", err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want once for /api and once for /apis", asked)
	}
	if _, err := client.Kinds.Resource(t.Context(), widget); !meta.IsNoMatchError(err) || asked != 4 {
		t.Errorf("asked %d times for a kind that was asked for, want 4; %v", asked, err)
	}
	crds := client.Dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := crds.Create(t.Context(), widgets(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(20 * time.Second) // it takes the API server a moment to serve it
	for {
		got, err := client.Kinds.Resource(t.Context(), widget)
		if err == nil && got.Version == "v1" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%v, %v", got, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

type counting struct {
	http.RoundTripper
	asked *int
}

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.asked++
	return c.RoundTripper.RoundTrip(r)
}

func widgets() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "widgets.example.com"},
		"spec": map[string]any{
			"group": "example.com", "scope": "Namespaced", "names": map[string]any{"plural": "widgets", "singular": "widget", "kind": "Widget"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}},
		},
	}}
}
