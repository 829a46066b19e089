package argo

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

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/internal/kube"
	"github.com/runbackhq/runback/internal/testargo"
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

var sandbox = sync.OnceValue(func() *testcluster.Env {
	env := testcluster.Up(lasting, "healthy", "--quiet", "--rate", "1")
	testargo.Install(lasting, env)
	return env
})

// world is a namespace with a Rollout, whose controller is played a look at a time.
type world struct {
	*testargo.Rollout
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
	return &world{testargo.In(t, cl.API.Dynamic, ns.Name), t, cl, reg}
}

const (
	good = testargo.Good
	bad  = testargo.Bad
)

// status writes fields of the status that no controller would: a moment that is
// hard to come by.
func (w *world) status(fields string) {
	w.t.Helper()
	w.Patch(`{"status":{`+fields+`}}`, "status")
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
