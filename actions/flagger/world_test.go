package flagger

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/internal/kube"
	"github.com/runbackhq/runback/internal/testcluster"
	lang "github.com/runbackhq/runback/schema"
)

func TestMain(m *testing.M) {
	code := m.Run()
	lasting.end()
	os.Exit(code)
}

var lasting = &packageTB{}

// packageTB is a testing.TB that lives as long as the package's tests.
type packageTB struct {
	testing.TB
	cleanups []func()
}

func (p *packageTB) Helper()                           {}
func (p *packageTB) Failed() bool                      { return false }
func (p *packageTB) Cleanup(f func())                  { p.cleanups = append(p.cleanups, f) }
func (p *packageTB) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (p *packageTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (p *packageTB) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (p *packageTB) end() {
	for _, f := range p.cleanups {
		f()
	}
}

var (
	canariesV1 = schema.GroupVersionResource{Group: "flagger.app", Version: "v1beta1", Resource: "canaries"}
	routesV1   = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	deploysV1  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	crdsV1     = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

var sandbox = sync.OnceValue(func() *testcluster.Env {
	env := testcluster.Up(lasting, "healthy", "--quiet", "--rate", "1")
	cl, err := k8s.Connect(context.Background(), k8s.Options{Kubeconfig: env.Kubeconfig})
	if err != nil {
		panic(err)
	}
	defer cl.Close()
	text, err := os.ReadFile("../k8s/testdata/crds/canaries.yaml")
	if err != nil {
		panic(err)
	}
	if _, err := cl.API.Dynamic.Resource(crdsV1).Create(context.Background(), fromYAML(string(text)), metav1.CreateOptions{}); err != nil {
		panic(err)
	}
	for range 300 {
		// Discovery lags behind what is served, and a connection keeps what it saw.
		fresh, err := k8s.Connect(context.Background(), k8s.Options{Kubeconfig: env.Kubeconfig})
		if err != nil {
			panic(err)
		}
		_, err = fresh.Objects().Must(context.Background(), canaries(), "nobody")
		fresh.Close()
		if !strings.Contains(err.Error(), "knows no kind") {
			return env
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic("canaries are never served")
})

func fromYAML(text string) *kube.Object {
	b, err := yaml.ToJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	obj := &kube.Object{}
	if err := obj.UnmarshalJSON(b); err != nil {
		panic(err)
	}
	return obj
}

type world struct {
	t   *testing.T
	cl  *k8s.Cluster
	reg actions.Registry
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	cl, err := k8s.Connect(t.Context(), k8s.Options{Kubeconfig: sandbox().Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	typed := sandbox().Typed(t)
	ns, err := typed.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = typed.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
		cl.Close()
	})
	cl.Namespace = ns.Name
	way := func(context.Context, actions.KubernetesTarget) (*k8s.Cluster, error) { return cl, nil }
	reg, err := actions.NewRegistry(k8s.Actions(way), Actions(func(context.Context, actions.KubernetesTarget) (kube.Cluster, error) { return cl.Objects(), nil }))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, cl, reg}
}

const (
	good = "myapp:1.4.2"
	bad  = "myapp:1.5.0-errors"
)

func (w *world) create(k schema.GroupVersionResource, text string) {
	w.t.Helper()
	if _, err := w.cl.API.Dynamic.Resource(k).Namespace(w.cl.Namespace).Create(w.t.Context(), fromYAML(text), metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) patch(k schema.GroupVersionResource, name, body string) {
	w.t.Helper()
	if _, err := w.cl.API.Dynamic.Resource(k).Namespace(w.cl.Namespace).Patch(w.t.Context(), name, types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(k schema.GroupVersionResource, name string) *kube.Object {
	w.t.Helper()
	obj, err := w.cl.API.Dynamic.Resource(k).Namespace(w.cl.Namespace).Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return obj
}

func (w *world) deploy(name, image string) {
	w.t.Helper()
	w.create(deploysV1, strings.NewReplacer("NAME", name, "IMAGE", image).Replace(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 1
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {terminationGracePeriodSeconds: 5, containers: [{name: app, image: "IMAGE"}]}
`))
	w.eventually(name+" is ready", func() bool { return ready(w.get(deploysV1, name)) == 1 })
}

// released is a release in the middle of its analysis, with 25 % of the traffic.
// The test plays the part of Flagger: it writes what Flagger does.
func released(t *testing.T, phase string) *world {
	w := newWorld(t)
	w.deploy("app", good)
	w.deploy("app-primary", good)
	w.patch(deploysV1, "app", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"`+bad+`"}]}}}}`)
	w.create(routesV1, `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: sandbox-gateway}]
  rules: [{backendRefs: [{name: app-primary, port: 80, weight: 75}, {name: app-canary, port: 80, weight: 25}]}]
`)
	w.create(canariesV1, `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: app}
spec:
  provider: gatewayapi:v1
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
  service: {port: 80}
status: {phase: `+phase+`, canaryWeight: 25, failedChecks: 2}
`)
	return w
}

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	for range 300 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("never came true: %s", what)
}

// prepared is a step after Prepare.
type prepared struct {
	w     *world
	a     actions.Action
	c     *actions.Call
	in    any
	state json.RawMessage
}

func (w *world) prepare(name string, with map[string]any) (*prepared, error) {
	w.t.Helper()
	tree, err := lang.FromValue(with, lang.Pos{File: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	p := &prepared{w: w, a: w.reg[name], c: &actions.Call{
		Key: "run/" + name, Target: actions.Target{Kubernetes: actions.KubernetesTarget{Namespace: w.cl.Namespace}},
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(d):
				return nil
			}
		},
		Say: func(line string) { w.t.Logf("%s: %s", name, line) },
	}}
	var found lang.Diagnostics
	if p.in, found = p.a.Decode(tree); len(found) > 0 {
		w.t.Fatalf("decode %s: %v", name, found)
	}
	p.state, err = p.a.Prepare(w.ctx(), p.c, p.in)
	return p, err
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) must(name string, with map[string]any) *prepared {
	w.t.Helper()
	p, err := w.prepare(name, with)
	if err != nil {
		w.t.Fatalf("prepare %s: %v (%s)", name, err, actions.HintOf(err))
	}
	return p
}

func (p *prepared) preview() actions.Preview {
	p.w.t.Helper()
	v, err := p.a.Preview(p.w.ctx(), p.c, p.in, p.state)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return v
}

func (p *prepared) mustRun() actions.Outputs {
	p.w.t.Helper()
	out, err := p.a.Run(p.w.ctx(), p.c, p.in, p.state)
	if err != nil {
		p.w.t.Fatalf("run %s: %v", p.a.Spec.Name, err)
	}
	return out
}

func (p *prepared) probe() actions.Verdict {
	p.w.t.Helper()
	v, _, err := p.a.Probe(p.w.ctx(), p.c, p.in, p.state)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return v
}

func wantKind(t *testing.T, err error, kind actions.Kind, words ...string) {
	t.Helper()
	if err == nil || actions.KindOf(err) != kind {
		t.Fatalf("error is %v (%s), want one of kind %s", err, actions.KindOf(err), kind)
	}
	for _, word := range words {
		if all := err.Error() + " | " + actions.HintOf(err); !strings.Contains(all, word) {
			t.Errorf("error does not say %q: %s", word, all)
		}
	}
}
