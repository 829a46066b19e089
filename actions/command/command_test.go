package command_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/command"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	reg, err := actions.NewRegistry(command.Actions(tool.Room{Base: func() (string, error) { return t.TempDir(), nil }}))
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}

// world is a step of a playbook, and the folder that its commands work in.
type world struct {
	t     *testing.T
	top   string
	a     actions.Action
	c     *actions.Call
	in    any
	state json.RawMessage
}

func step(t *testing.T, name string, with map[string]any) *world {
	t.Helper()
	w := &world{t: t, top: t.TempDir()}
	w.c = &actions.Call{Key: "r-test/steps/x", Say: func(string) {}, Wait: func(ctx context.Context, d time.Duration) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
			return nil
		}
	}}
	for _, a := range command.Actions(tool.Room{Base: func() (string, error) { return w.children(), nil }}) {
		if a.Spec.Name == name {
			w.a = a
		}
	}
	if with["dir"] == nil {
		with["dir"] = w.top
	}
	w.in = w.decode(with)
	return w
}

func (w *world) children() string { return filepath.Join(w.top, "state", "children") }

func (w *world) decode(with map[string]any) any {
	w.t.Helper()
	raw, err := json.Marshal(with)
	if err != nil {
		w.t.Fatal(err)
	}
	tree, err := schema.FromJSON(raw, schema.Pos{File: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	in, found := w.a.Decode(tree)
	if len(found) > 0 {
		w.t.Fatal(found)
	}
	return in
}

func (w *world) prepare() *world {
	w.t.Helper()
	var err error
	if w.state, err = w.a.Prepare(w.t.Context(), w.c, w.in); err != nil {
		w.t.Fatal(err)
	}
	return w
}

func (w *world) run(ctx context.Context) (actions.Outputs, error) {
	return w.a.Run(ctx, w.c, w.in, w.state)
}

func (w *world) probe() (actions.Verdict, actions.Outputs, error) {
	return w.a.Probe(w.t.Context(), w.c, w.in, w.state)
}

// wants checks a probe.
func (w *world) wants(want actions.Verdict) actions.Outputs {
	w.t.Helper()
	v, out, err := w.probe()
	if v != want {
		w.t.Fatalf("probe says %s (%v), want %s", v, err, want)
	}
	return out
}

func (w *world) file(name string) string { return filepath.Join(w.top, name) }

func (w *world) effects() int {
	b, err := os.ReadFile(w.file("effect"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("waited in vain: %s", what)
}

func (w *world) exists(name string) func() bool {
	return func() bool { _, err := os.Stat(w.file(name)); return err == nil }
}

func (w *world) write(name string) {
	w.t.Helper()
	if err := os.WriteFile(w.file(name), nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// killSupervisor kills who watches the child, as the kernel does when memory
// is short.
func (w *world) killSupervisor() { w.signalSupervisor(syscall.SIGKILL) }

func (w *world) signalSupervisor(s syscall.Signal) {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.children(), "*", "supervisor.json"))
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
	if err := syscall.Kill(p.PID, s); err != nil {
		w.t.Fatal(err)
	}
}

func sh(script string) []string { return []string{"sh", "-c", script} }
