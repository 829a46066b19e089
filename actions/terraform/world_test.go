package terraform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/terraform"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == planArg {
		plansAndDies(os.Args[2], os.Args[3], os.Args[4])
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	reg, err := actions.NewRegistry(terraform.Actions(tool.Room{Base: func() (string, error) { return t.TempDir(), nil }}))
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}

// program is the real one: terraform, or OpenTofu, that make builds where
// neither is installed.
func program(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("RUNBACK_TERRAFORM"), "terraform", "tofu", "../../bin/tofu"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	t.Fatal("neither terraform nor tofu is here; run internal/tasks/need-terraform")
	return ""
}

// world is a directory with a configuration, whose resources write what is done
// to them into a ledger: what is done twice is seen.
type world struct {
	t       testing.TB
	top     string
	program string
	target  actions.TerraformTarget
}

func newWorld(t testing.TB, config string) *world {
	t.Helper()
	w := &world{t: t, top: t.TempDir(), program: program(t)}
	w.target = actions.TerraformTarget{Dir: w.file("infra"), Workspace: "default", Program: w.program}
	if err := os.MkdirAll(w.target.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.config(config)
	return w
}

func (w *world) file(name string) string { return filepath.Join(w.top, name) }
func (w *world) children() string        { return w.file("state/children") }
func (w *world) config(text string)      { w.write("infra/main.tf", text) }

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.file(name)), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.file(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	b, err := os.ReadFile(w.file(name))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(b)
}

// ledger gives what was done, a word each.
func (w *world) ledger() string { return strings.Join(strings.Fields(w.read("infra/ledger")), " ") }

// made is the ledger in the order of the names: some are worked on side by side.
func (w *world) made() string {
	done := strings.Fields(w.ledger())
	slices.Sort(done)
	return strings.Join(done, " ")
}

// by hand, as a person would.
func (w *world) byHand(args ...string) string {
	w.t.Helper()
	out, err := w.tryByHand(args...)
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

func (w *world) tryByHand(args ...string) (string, error) {
	cmd := exec.Command(w.program, args...)
	cmd.Dir, cmd.Env = w.target.Dir, append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_INPUT=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// step is one step of a playbook.
type step struct {
	*world
	a     actions.Action
	c     *actions.Call
	in    any
	state json.RawMessage
	told  *bytes.Buffer
}

func (w *world) step(name string, with map[string]any) *step {
	w.t.Helper()
	s := &step{world: w, told: &bytes.Buffer{}}
	s.c = &actions.Call{Key: "r-test/steps/x", Target: actions.Target{Terraform: map[string]actions.TerraformTarget{"app": w.target}}, Wait: wait,
		Say: func(line string) { fmt.Fprintln(s.told, line) }}
	for _, a := range terraform.Actions(tool.Room{Base: func() (string, error) { return w.children(), nil }}) {
		if a.Spec.Name == name {
			s.a = a
		}
	}
	raw, err := json.Marshal(with)
	if err != nil {
		w.t.Fatal(err)
	}
	tree, err := schema.FromJSON(raw, schema.Pos{File: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	in, found := s.a.Decode(tree)
	if len(found) > 0 {
		w.t.Fatal(found)
	}
	s.in = in
	return s
}

func (w *world) apply(with map[string]any) *step {
	w.t.Helper()
	if with == nil {
		with = map[string]any{}
	}
	return w.step("terraform.apply", with)
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
func (s *step) wants(want actions.Verdict, says ...string) {
	s.t.Helper()
	v, _, err := s.a.Probe(s.t.Context(), s.c, s.in, s.state)
	if v != want {
		s.t.Fatalf("probe says %s (%v), want %s", v, err, want)
	}
	for _, text := range says {
		if err == nil || !strings.Contains(err.Error()+" | "+actions.HintOf(err), text) {
			s.t.Errorf("probe does not say %q: %v | %s", text, err, actions.HintOf(err))
		}
	}
}

func wantsKind(t testing.TB, err error, kind actions.Kind, says ...string) {
	t.Helper()
	if err == nil || actions.KindOf(err) != kind {
		t.Fatalf("%v is %s, want %s", err, actions.KindOf(err), kind)
	}
	for _, text := range says {
		if !strings.Contains(err.Error()+" | "+actions.HintOf(err), text) {
			t.Errorf("does not say %q: %v | %s", text, err, actions.HintOf(err))
		}
	}
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for range 6000 {
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

// words reads a list of outputs.
func words(v any) string {
	var out []string
	for _, e := range v.([]any) {
		out = append(out, fmt.Sprint(e))
	}
	return strings.Join(out, " ")
}
