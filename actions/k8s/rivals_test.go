package k8s

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
)

//go:embed testdata/crds/*.yaml
var rivalKinds embed.FS

// rivals installs the kinds of other controllers once. Nobody acts on them:
// what is tested is how they are read and written.
var rivals = sync.OnceFunc(func() {
	cl, err := Connect(context.Background(), Options{Kubeconfig: sandbox().Kubeconfig})
	if err != nil {
		panic(err)
	}
	defer cl.Close()
	files, err := rivalKinds.ReadDir("testdata/crds")
	if err != nil {
		panic(err)
	}
	disco := discovery.NewDiscoveryClientForConfigOrDie(cl.config)
	crds := cl.API.Dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, f := range files {
		text, err := rivalKinds.ReadFile("testdata/crds/" + f.Name())
		if err != nil {
			panic(err)
		}
		crd := fromYAML(string(text))
		if _, err := crds.Create(context.Background(), crd, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			panic(err)
		}
		group := lookup(crd.Object, path{"spec", "group"}).(string)
		version := lookup(crd.Object, path{"spec", "versions", "0", "name"}).(string)
		plural := lookup(crd.Object, path{"spec", "names", "plural"}).(string)
		for range 300 {
			list, err := disco.ServerResourcesForGroupVersion(group + "/" + version)
			if err == nil && strings.Contains(fmt.Sprint(list.APIResources), plural) {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
})

func fromYAML(text string) *object {
	b, err := yaml.ToJSON([]byte("# what begins with a brace is taken for JSON\n" + text))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	var v any
	if err := decode(b, &v); err != nil {
		panic(err)
	}
	return &object{Object: v.(map[string]any)}
}

// newRivalWorld is a world in which the kinds of other controllers are known.
func newRivalWorld(t *testing.T) *world {
	t.Helper()
	rivals()
	return newWorld(t)
}

// make creates an object from YAML, in which NS is the namespace of the world,
// where it is put unless it names another one, and UID the object made before:
// the garbage collector would take away what an unknown owner left.
func (w *world) make(k kind, text string) {
	w.t.Helper()
	obj := fromYAML(w.fill(text))
	gv := schema.GroupVersion{Group: k.Group, Version: k.Version}
	obj.SetAPIVersion(gv.String())
	gvk, err := w.cl.API.Kinds.Kind(w.ctx(), k.gvr())
	if err != nil {
		w.t.Fatal(err)
	}
	obj.SetKind(gvk.Kind)
	if obj.GetNamespace() == "" {
		obj.SetNamespace(w.cl.Namespace)
	}
	client := w.cl.API.Dynamic.Resource(k.gvr()).Namespace(obj.GetNamespace())
	made, err := client.Create(w.ctx(), obj, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.last = string(made.GetUID())
	w.t.Cleanup(func() { _ = client.Delete(context.Background(), obj.GetName(), metav1.DeleteOptions{}) })
}

func (w *world) fill(text string) string {
	return strings.NewReplacer("NS", w.cl.Namespace, "UID", w.last).Replace(text)
}

// mark patches the metadata of a Deployment.
func (w *world) mark(name, metadata string) {
	w.t.Helper()
	b, err := fromYAML("metadata: " + w.fill(metadata)).MarshalJSON()
	if err != nil {
		w.t.Fatal(err)
	}
	w.patch(deployments, name, string(b))
}

// another makes a second namespace.
func (w *world) another(name string) {
	w.t.Helper()
	ns := &object{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}}
	client := w.cl.API.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	if _, err := client.Create(w.ctx(), ns, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = client.Delete(context.Background(), name, metav1.DeleteOptions{}) })
}
