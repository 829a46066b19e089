package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/runbackhq/runback/internal/testcluster"
)

// world looks at a cluster from outside.
type world struct {
	t     testing.TB
	dyn   dynamic.Interface
	core  kubernetes.Interface
	disco discovery.DiscoveryInterface
	env   *testcluster.Env
}

func newWorld(t testing.TB, env *testcluster.Env) *world {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", env.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS, cfg.Burst = 200, 400
	core := kubernetes.NewForConfigOrDie(cfg)
	return &world{t: t, dyn: dynamic.NewForConfigOrDie(cfg), core: core, disco: core.Discovery(), env: env}
}

// versions gives the resourceVersion of everything in the cluster, except
// heartbeats, which change by themselves.
func (w *world) versions() map[string]string {
	w.t.Helper()
	lists, err := w.disco.ServerPreferredResources()
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || r.Name == "leases" || r.Name == "events" || r.Name == "componentstatuses" {
				continue
			}
			objs, err := w.dyn.Resource(gv.WithResource(r.Name)).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				w.t.Fatalf("list %s: %v", r.Name, err)
			}
			for _, o := range objs.Items {
				out[r.Name+"/"+o.GetNamespace()+"/"+o.GetName()] = o.GetResourceVersion()
			}
		}
	}
	return out
}

func changedKeys(before, after map[string]string) []string {
	var out []string
	for k, v := range after {
		if before[k] != v {
			out = append(out, k)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			out = append(out, k+" is gone")
		}
	}
	slices.Sort(out)
	return out
}

// write is one write of ours in the API server's audit log.
type write struct {
	Verb, Resource, Namespace, Name, Body string

	Unsure bool // whether it landed
}

// writes gives the writes that runback made in a namespace and that took
// effect, in order. Locks are no effects.
func (w *world) writes(namespace string) []write { return w.writesSince(0, namespace) }

// auditSize is where the audit log ends now.
func (w *world) auditSize() int64 {
	w.t.Helper()
	info, err := os.Stat(w.env.AuditLog)
	if err != nil {
		w.t.Fatal(err)
	}
	return info.Size()
}

// writesSince reads the audit log from a place on, where a line may be cut.
func (w *world) writesSince(from int64, namespace string) []write {
	w.t.Helper()
	f, err := os.Open(w.env.AuditLog)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		w.t.Fatal(err)
	}
	var out []write
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	first := from > 0
	for sc.Scan() {
		var e struct {
			Verb, UserAgent, RequestURI string
			ObjectRef                   struct{ Resource, Namespace, Name string }
			ResponseStatus              struct{ Code int }
			RequestObject               json.RawMessage
		}
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			if first {
				first = false
				continue
			}
			w.t.Fatalf("audit log: %v", err)
		}
		if !strings.HasPrefix(e.UserAgent, "runback") || strings.Contains(e.RequestURI, "dryRun=All") || e.ResponseStatus.Code >= 300 && e.ResponseStatus.Code != 504 ||
			e.ObjectRef.Namespace != namespace || e.ObjectRef.Resource == "leases" || !slices.Contains([]string{"create", "update", "patch", "delete"}, e.Verb) {
			continue
		}
		out = append(out, write{e.Verb, e.ObjectRef.Resource, e.ObjectRef.Namespace, e.ObjectRef.Name, string(e.RequestObject), e.ResponseStatus.Code == 504})
	}
	if err := sc.Err(); err != nil {
		w.t.Fatal(err)
	}
	return landed(out)
}

// landed leaves out the writes of which the client learned nothing and that did
// not land. The API server notes 504 when a client is gone before the answer,
// whether the write landed or not. Our patches test what they replace, so the
// same one can succeed afterwards only if the first did not.
func landed(writes []write) []write {
	var out []write
	for i, w := range writes {
		again := w
		again.Unsure = false
		if !w.Unsure || !slices.Contains(writes[i+1:], again) {
			w.Unsure = false
			out = append(out, w)
		}
	}
	return out
}

// fields flattens what somebody may set of the workload objects in a
// namespace: spec, labels and annotations, field by field.
func (w *world) fields(namespace string) map[string]any {
	w.t.Helper()
	out := map[string]any{}
	for _, gvr := range []schema.GroupVersionResource{
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Version: "v1", Resource: "services"},
		{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"},
	} {
		objs, err := w.dyn.Resource(gvr).Namespace(namespace).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range objs.Items {
			prefix := strings.ToLower(o.GetKind()) + "/" + o.GetName()
			flatten(prefix+" spec", o.Object["spec"], out)
			meta, _ := o.Object["metadata"].(map[string]any)
			flatten(prefix+" metadata.annotations", meta["annotations"], out)
			flatten(prefix+" metadata.labels", meta["labels"], out)
		}
	}
	for k := range maps.Clone(out) {
		// Written by the deployment controller, and our own receipt.
		if strings.Contains(k, "deployment.kubernetes.io/revision") || strings.Contains(k, "runback.dev/receipt") {
			delete(out, k)
		}
	}
	return out
}

// flatten names list members by their name where they have one, as previews do.
func flatten(path string, v any, into map[string]any) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			key := "." + k
			if strings.ContainsAny(k, "./") {
				key = "[" + k + "]"
			}
			flatten(path+key, e, into)
		}
	case []any:
		for i, e := range x {
			key := jsonText(i)
			if m, ok := e.(map[string]any); ok {
				if name, ok := m["name"].(string); ok {
					key = name
				}
			}
			flatten(path+"["+key+"]", e, into)
		}
	case nil: // absent
	default:
		into[path] = v
	}
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// drop removes a namespace with its pods, without waiting for it.
func (w *world) drop(namespace string) {
	w.t.Helper()
	if err := w.core.CoreV1().Namespaces().Delete(context.Background(), namespace, metav1.DeleteOptions{}); err != nil {
		w.t.Error(err)
	}
}
