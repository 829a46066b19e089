package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// world is a namespace of its own in a real cluster, and the actions on it.
type world struct {
	t     *testing.T
	cl    *Cluster
	typed kubernetes.Interface
	reg   actions.Registry

	last string // UID of the object that was made last
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	cl, err := Connect(t.Context(), Options{Kubeconfig: sandbox().Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	typed := sandbox().Typed(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	ns, err = typed.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = typed.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
		cl.Close()
	})
	cl.Namespace = ns.Name
	reg, err := actions.NewRegistry(Actions(func(context.Context, actions.KubernetesTarget) (*Cluster, error) { return cl, nil }))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, cl: cl, typed: typed, reg: reg}
}

// values are the inputs of a step.
type values map[string]any

// prepared is a step after Prepare.
type prepared struct {
	w     *world
	a     actions.Action
	c     *actions.Call
	in    any
	state json.RawMessage
}

func (w *world) call(key string) *actions.Call {
	return &actions.Call{
		Key:    key,
		Target: actions.Target{Kubernetes: actions.KubernetesTarget{Namespace: w.cl.Namespace}},
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(d):
				return nil
			}
		},
		Say: func(line string) { w.t.Logf("%s: %s", key, line) },
	}
}

var keys struct {
	sync.Mutex
	n int
}

func newKey() string {
	keys.Lock()
	defer keys.Unlock()
	keys.n++
	return fmt.Sprintf("run-%d/step", keys.n)
}

// prepare decodes and prepares a step; the error is that of Prepare.
func (w *world) prepare(name string, with values) (*prepared, error) {
	w.t.Helper()
	return w.prepareAs(newKey(), name, with)
}

func (w *world) prepareAs(key, name string, with values) (*prepared, error) {
	w.t.Helper()
	tree, err := schema.FromValue(map[string]any(with), schema.Pos{File: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	p := &prepared{w: w, a: w.reg[name], c: w.call(key)}
	var found schema.Diagnostics
	if p.in, found = p.a.Decode(tree); len(found) > 0 {
		w.t.Fatalf("decode %s: %v", name, found)
	}
	p.state, err = p.a.Prepare(w.ctx(), p.c, p.in)
	return p, err
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeoutCause(w.t.Context(), 60*time.Second, fmt.Errorf("test ran out of time"))
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) must(name string, with values) *prepared {
	w.t.Helper()
	p, err := w.prepare(name, with)
	if err != nil {
		w.t.Fatalf("prepare %s: %v", name, err)
	}
	return p
}

func (p *prepared) preview() actions.Preview {
	p.w.t.Helper()
	v, err := p.a.Preview(p.w.ctx(), p.c, p.in, p.state)
	if err != nil {
		p.w.t.Fatalf("preview %s: %v", p.a.Spec.Name, err)
	}
	return v
}

func (p *prepared) run() (actions.Outputs, error) {
	return p.a.Run(p.w.ctx(), p.c, p.in, p.state)
}

func (p *prepared) mustRun() actions.Outputs {
	p.w.t.Helper()
	out, err := p.run()
	if err != nil {
		p.w.t.Fatalf("run %s: %v", p.a.Spec.Name, err)
	}
	return out
}

func (p *prepared) probe() actions.Verdict {
	p.w.t.Helper()
	v, _, err := p.a.Probe(p.w.ctx(), p.c, p.in, p.state)
	if err != nil && actions.KindOf(err) != actions.KindAtWork {
		p.w.t.Fatalf("probe %s: %v", p.a.Spec.Name, err)
	}
	return v
}

// undo runs the steps that Undo gives.
func (p *prepared) undo(out actions.Outputs) {
	p.w.t.Helper()
	steps, err := p.a.Undo(p.in, p.state, out)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, s := range steps {
		p.w.must(s.Uses, s.With).mustRun()
	}
}

// do prepares and runs a step that must succeed.
func (w *world) do(name string, with values) actions.Outputs {
	w.t.Helper()
	return w.must(name, with).mustRun()
}

func (w *world) object(k kind, name string) *object {
	w.t.Helper()
	obj, err := w.cl.must(w.ctx(), k, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return obj
}

// deploy makes a Deployment of the sandbox's sample application.
func (w *world) deploy(name, image string, replicas int32, more ...func(*appsv1.Deployment)) {
	w.t.Helper()
	labels := map[string]string{"app": "myapp", "track": name}
	grace := int64(10)
	one, none := intstr.FromInt32(1), intstr.FromInt32(0)
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &one, MaxUnavailable: &none}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "myapp", "track": name, "version": name}},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: &grace,
					Containers: []corev1.Container{{
						Name: "app", Image: image,
						Env:   []corev1.EnvVar{{Name: "GREETING", Value: "a < b && c > d"}},
						Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
						ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
							HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromString("http")}}},
					}},
				},
			},
		},
	}
	for _, f := range more {
		f(d)
	}
	// As an earlier run of ours would have left it.
	if _, err := w.typed.AppsV1().Deployments(w.cl.Namespace).Create(w.ctx(), d, metav1.CreateOptions{FieldManager: "runback"}); err != nil {
		w.t.Fatal(err)
	}
}

// deployed makes a Deployment and waits until it serves.
func (w *world) deployed(name, image string, replicas int32) {
	w.t.Helper()
	w.deploy(name, image, replicas)
	w.complete(name)
}

func (w *world) complete(name string) {
	w.t.Helper()
	w.do("k8s.wait", values{"name": name, "until": "complete"})
}

// rollout changes the image as a deploy pipeline would, and does not wait.
func (w *world) rollout(name, image string) {
	w.t.Helper()
	w.patch(deployments, name, fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":%q}]}}}}`, image))
}

// patch changes an object behind the back of the actions.
func (w *world) patch(k kind, name, body string) {
	w.t.Helper()
	if err := w.patchLoosely(k, name, body); err != nil {
		w.t.Fatal(err)
	}
}

// patchLoosely is patch for a cleanup: the object may be gone by then.
func (w *world) patchLoosely(k kind, name, body string) error {
	how := "application/strategic-merge-patch+json"
	if strings.Contains(k.Group, ".") {
		how = "application/merge-patch+json"
	}
	_, err := w.cl.API.Dynamic.Resource(k.gvr()).Namespace(w.cl.Namespace).Patch(context.WithoutCancel(w.t.Context()), name, types.PatchType(how), []byte(body), metav1.PatchOptions{})
	return err
}

func (w *world) service(name string, selector map[string]string) {
	w.t.Helper()
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}}},
	}
	if _, err := w.typed.CoreV1().Services(w.cl.Namespace).Create(w.ctx(), s, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// eventually looks until something is so.
func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	for range 200 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("never came true: %s", what)
}

// wantKind checks the kind of an error, and words of its message and hint.
func wantKind(t *testing.T, err error, kind actions.Kind, words ...string) {
	t.Helper()
	if err == nil || actions.KindOf(err) != kind {
		t.Fatalf("error is %v (%s), want one of kind %s", err, actions.KindOf(err), kind)
	}
	all := err.Error() + " | " + actions.HintOf(err)
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("error does not say %q: %s", word, all)
		}
	}
}

func (w *world) delete(k kind, name string) {
	w.t.Helper()
	client := w.cl.API.Dynamic.Resource(k.gvr()).Namespace(w.cl.Namespace)
	if err := client.Delete(w.ctx(), name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.eventually(name+" is gone", func() bool {
		obj, err := w.cl.find(w.ctx(), k, name)
		return err == nil && obj == nil
	})
}

// example decodes the first example of an action.
func example(t *testing.T, a actions.Action) any {
	t.Helper()
	tree, found := schema.Parse("example", []byte(a.Spec.Examples[0].YAML))
	if len(found) > 0 {
		t.Fatal(found)
	}
	with, _ := tree.Get("with")
	in, found := a.Decode(with)
	if len(found) > 0 {
		t.Fatal(found)
	}
	return in
}
