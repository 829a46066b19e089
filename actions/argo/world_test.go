package argo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	rolloutsV1 = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
	setsV1     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	crdsV1     = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

var sandbox = sync.OnceValue(func() *testcluster.Env {
	env := testcluster.Up(lasting, "healthy", "--quiet", "--rate", "1")
	cl, err := k8s.Connect(context.Background(), k8s.Options{Kubeconfig: env.Kubeconfig})
	if err != nil {
		panic(err)
	}
	defer cl.Close()
	for _, file := range definitions() {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		if _, err := cl.Dynamic.Resource(crdsV1).Create(context.Background(), fromYAML(string(text)), metav1.CreateOptions{}); err != nil {
			panic(err)
		}
	}
	for range 300 {
		// Discovery lags behind what is served, and a connection keeps what it saw.
		fresh, err := k8s.Connect(context.Background(), k8s.Options{Kubeconfig: env.Kubeconfig})
		if err != nil {
			panic(err)
		}
		_, err = fresh.Objects().Must(context.Background(), rollouts(), "nobody")
		fresh.Close()
		if !strings.Contains(err.Error(), "knows no kind") {
			return env
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic("rollouts are never served")
})

// definitions gives the files with the kinds of Argo Rollouts, of the module that
// its controller is built from.
func definitions() []string {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-rollouts")
	cmd.Dir = "../../internal/tools/argo-rollouts"
	dir, err := cmd.Output()
	if err != nil {
		panic(fmt.Sprintf("module of argo-rollouts: %v; get it with: internal/tasks/need-argo-rollouts", err))
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "manifests", "crds", "*-crd.yaml"))
	if err != nil || len(files) == 0 {
		panic(fmt.Sprintf("definitions of argo-rollouts: %v, %v", files, err))
	}
	return files
}

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

// world is a namespace in which the test plays the part of the controller: what
// it writes to the status is what the real one writes.
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
	ns, err := cl.Typed.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cl.Typed.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
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

// released makes a Rollout in the middle of an update: the stable version and
// the new one have pods, as real ReplicaSets make them.
func (w *world) released(stable, canary int, status string) {
	w.t.Helper()
	r := fromYAML(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  strategy: {canary: {trafficRouting: {plugins: {x: {}}}, steps: [{setWeight: 25}, {pause: {}}, {setWeight: 50}, {pause: {}}]}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: "` + bad + `"}]}
`)
	made, err := w.cl.Dynamic.Resource(rolloutsV1).Namespace(w.cl.Namespace).Create(w.t.Context(), r, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.set(made, "good", good, stable)
	w.set(made, "bad", bad, canary)
	w.status(`"observedGeneration":"1","currentPodHash":"bad","stableRS":"good","currentStepIndex":1,"currentStepHash":"s",` +
		`"phase":"Paused","pauseConditions":[{"reason":"CanaryPauseStep","startTime":"2024-01-01T00:00:00Z"}],"controllerPause":true,"canary":{"weights":{"canary":{"podTemplateHash":"bad","serviceName":"canary","weight":25},"stable":{"podTemplateHash":"good","serviceName":"stable","weight":75}}}` + status)
}

func (w *world) set(owner *kube.Object, hash, image string, replicas int) {
	w.t.Helper()
	obj := fromYAML(strings.NewReplacer("HASH", hash, "UID", string(owner.GetUID()), "IMAGE", image, "COUNT", fmt.Sprint(replicas)).Replace(`
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: app-HASH
  labels: {app: app, rollouts-pod-template-hash: HASH}
  ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: app, uid: UID, controller: true}]
spec:
  replicas: COUNT
  selector: {matchLabels: {app: app, rollouts-pod-template-hash: HASH}}
  template:
    metadata: {labels: {app: app, rollouts-pod-template-hash: HASH}}
    spec: {terminationGracePeriodSeconds: 5, containers: [{name: app, image: "IMAGE"}]}
`))
	client := w.cl.Dynamic.Resource(setsV1).Namespace(w.cl.Namespace)
	if _, err := client.Create(w.t.Context(), obj, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("pods of "+hash, func() bool {
		now, err := client.Get(w.t.Context(), obj.GetName(), metav1.GetOptions{})
		if err != nil {
			return false
		}
		n, _ := kube.Number(now, "status", "availableReplicas")
		return n == replicas
	})
}

// status writes fields of the status, as the controller does.
func (w *world) status(fields string) {
	w.t.Helper()
	w.patch(`{"status":{`+fields+`}}`, "status")
}

func (w *world) patch(body string, sub ...string) {
	w.t.Helper()
	if _, err := w.cl.Dynamic.Resource(rolloutsV1).Namespace(w.cl.Namespace).Patch(w.t.Context(), "app", types.MergePatchType, []byte(body), metav1.PatchOptions{}, sub...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rollout() *kube.Object {
	w.t.Helper()
	obj, err := w.cl.Dynamic.Resource(rolloutsV1).Namespace(w.cl.Namespace).Get(w.t.Context(), "app", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return obj
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
