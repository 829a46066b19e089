package helm_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/helm"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

// program is the real one, that make builds where it is not installed.
func program(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("RUNBACK_HELM"), "helm", "../../bin/helm"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	t.Fatal("helm is not here; run internal/tasks/need-helm")
	return ""
}

// world is a namespace of its own in a real cluster, and a release in it.
type world struct {
	t       *testing.T
	top     string
	cl      *k8s.Cluster
	typed   kubernetes.Interface
	program string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cl, err := k8s.Connect(t.Context(), k8s.Options{Kubeconfig: sandbox().Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	typed := sandbox().Typed(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	if ns, err = typed.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = typed.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
		cl.Close()
	})
	cl.Namespace = ns.Name
	return &world{t: t, top: t.TempDir(), cl: cl, typed: typed, program: program(t)}
}

func (w *world) children() string { return filepath.Join(w.top, "children") }

// connect is what actions/all does.
func (w *world) connect(context.Context, actions.KubernetesTarget) (helm.Cluster, error) {
	return helm.Cluster{Context: w.cl.Context(), Namespace: w.cl.Namespace, API: w.cl.API,
		Kubeconfig: w.cl.Kubeconfig, Explain: k8s.Explain}, nil
}

// byHand runs helm as a person would.
func (w *world) byHand(args ...string) *exec.Cmd {
	cmd := exec.Command(w.program, append(args, "--namespace", w.cl.Namespace, "--kubeconfig", sandbox().Kubeconfig)...)
	cmd.Env = []string{"HOME=" + w.top, "PATH=" + os.Getenv("PATH")}
	return cmd
}

// deploy makes a revision of the release app.
func (w *world) deploy(values string, more ...string) {
	w.t.Helper()
	if out, err := w.tryDeploy(values, more...); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
}

func (w *world) tryDeploy(values string, more ...string) (string, error) {
	out, err := w.byHand(append([]string{"upgrade", "--install", "app", "testdata/app", "--set", values}, more...)...).CombinedOutput()
	return string(out), err
}

// step is one step of a playbook.
type step struct {
	*world
	a     actions.Action
	c     *actions.Call
	in    any
	state json.RawMessage
}

func (w *world) step(name string, with map[string]any) *step {
	w.t.Helper()
	s := &step{world: w, c: &actions.Call{Key: "r-test/steps/revert", Wait: wait, Say: func(string) {}}}
	for _, a := range helm.Actions(tool.Room{Base: func() (string, error) { return w.children(), nil }}, w.connect) {
		if a.Spec.Name == name {
			s.a = a
		}
	}
	s.decode(with)
	return s
}

func (s *step) decode(with map[string]any) {
	s.t.Helper()
	tree, err := schema.FromValue(with, schema.Pos{File: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	in, found := s.a.Decode(tree)
	if len(found) > 0 {
		s.t.Fatal(found)
	}
	s.in = in
}

// rollback is a step helm.rollback of the release app.
func (w *world) rollback(with map[string]any) *step {
	w.t.Helper()
	all := map[string]any{"release": "app", "program": w.program, "timeout": "2m"}
	for k, v := range with {
		all[k] = v
	}
	return w.step("helm.rollback", all)
}

func (w *world) status() actions.Outputs {
	w.t.Helper()
	return w.step("helm.status", map[string]any{"release": "app"}).mustRun()
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (s *step) tryPrepare() (err error) {
	s.state, err = s.a.Prepare(s.t.Context(), s.c, s.in)
	return err
}

func (s *step) prepare() *step {
	s.t.Helper()
	if err := s.tryPrepare(); err != nil {
		s.t.Fatalf("%v (%s)", err, actions.HintOf(err))
	}
	return s
}

func (s *step) preview() actions.Preview {
	s.t.Helper()
	p, err := s.a.Preview(s.t.Context(), s.c, s.in, s.state)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *step) run() (actions.Outputs, error) { return s.a.Run(s.t.Context(), s.c, s.in, s.state) }

func (s *step) mustRun() actions.Outputs {
	s.t.Helper()
	out, err := s.run()
	if err != nil {
		s.t.Fatalf("%v (%s)", err, actions.HintOf(err))
	}
	return out
}

// wants checks a probe.
func (s *step) wants(want actions.Verdict, kind actions.Kind, says ...string) {
	s.t.Helper()
	v, _, err := s.a.Probe(s.t.Context(), s.c, s.in, s.state)
	if v != want || actions.KindOf(err) != kind {
		s.t.Fatalf("probe says %s (%v), want %s", v, err, want)
	}
	wantsWords(s.t, err, says...)
}

func wantsKind(t testing.TB, err error, kind actions.Kind, says ...string) {
	t.Helper()
	if err == nil || actions.KindOf(err) != kind {
		t.Fatalf("%v is %s, want %s", err, actions.KindOf(err), kind)
	}
	wantsWords(t, err, says...)
}

func wantsWords(t testing.TB, err error, says ...string) {
	t.Helper()
	for _, text := range says {
		if err == nil || !strings.Contains(err.Error()+" | "+actions.HintOf(err), text) {
			t.Errorf("does not say %q: %v | %s", text, err, actions.HintOf(err))
		}
	}
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("waited in vain: %s", what)
}

// gate says whether the hook is there that holds helm.
func (w *world) gate() bool {
	_, err := w.typed.CoreV1().Pods(w.cl.Namespace).Get(context.Background(), "app-gate", metav1.GetOptions{})
	return err == nil
}

// open lets the hook be over.
func (w *world) open() {
	w.t.Helper()
	_, err := w.typed.CoreV1().Pods(w.cl.Namespace).Patch(context.Background(), "app-gate", types.MergePatchType,
		[]byte(`{"status":{"phase":"Succeeded"}}`), metav1.PatchOptions{}, "status")
	if err != nil {
		w.t.Fatal(err)
	}
}

// shut takes away the hook of an earlier attempt, so that the next one is seen.
func (w *world) shut() {
	w.t.Helper()
	now := int64(0)
	if err := w.typed.CoreV1().Pods(w.cl.Namespace).Delete(context.Background(), "app-gate", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		w.t.Fatal(err)
	}
	w.until("the hook to be gone", func() bool { return !w.gate() })
}

// left starts the step and leaves it at the gate, as an executor does that is
// killed: helm goes on, and nobody of this process knows of it.
func (s *step) left() *step {
	s.t.Helper()
	before := s.c.Wait
	defer func() { s.c.Wait = before }()
	done := make(chan struct{})
	ctx := s.t.Context()
	s.c.Wait = func(context.Context, time.Duration) error {
		s.until("the hook", s.gate)
		panic(errors.New("killed"))
	}
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		_, _ = s.a.Run(ctx, s.c, s.in, s.state)
	}()
	<-done
	return s
}

func (s *step) settled() {
	s.t.Helper()
	s.until("its end", func() bool {
		v, _, _ := s.a.Probe(s.t.Context(), s.c, s.in, s.state)
		return v != actions.InFlight
	})
}

// kill kills the process of a record: supervisor.json or child.json.
func (w *world) kill(record string) {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.children(), "*", record))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("%v %v", found, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var p struct{ PID int }
	if err := json.Unmarshal(b, &p); err != nil || p.PID <= 1 {
		w.t.Fatal(p, err)
	}
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
}

// image is what the Deployment of the release runs.
func (w *world) image() string {
	w.t.Helper()
	d, err := w.typed.AppsV1().Deployments(w.cl.Namespace).Get(w.t.Context(), "app", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Spec.Template.Spec.Containers[0].Image
}

// revision gives the last revision and its status.
func (w *world) revision() string {
	w.t.Helper()
	out := w.status()
	return strconv.Itoa(out["revision"].(int)) + " " + out["status"].(string)
}
