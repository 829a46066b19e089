package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
)

// program is the real binary with surroundings of its own.
type program struct {
	t     testing.TB
	bin   string
	state string // XDG_STATE_HOME
	env   *testcluster.Env
	kube  string   // kubeconfig, that of env unless a test points it elsewhere
	more  []string // of its environment
}

func newProgram(t testing.TB, env *testcluster.Env) *program {
	return &program{t: t, bin: testcluster.Binary(t, "runback"), state: t.TempDir(), env: env, kube: env.Kubeconfig}
}

type result struct {
	code     int
	out, err string
	took     time.Duration
}

func (p *program) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.bin, args...)
	cmd.Dir = p.state // no ./playbooks here: the built-in ones are run
	cmd.Env = []string{"KUBECONFIG=" + p.kube, "XDG_STATE_HOME=" + p.state, "HOME=" + p.state, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1"}
	cmd.Env = append(cmd.Env, p.more...)
	return cmd
}

func (p *program) run(args ...string) result {
	p.t.Helper()
	return finish(p.t, p.command(args...))
}

func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	return begin(t, cmd)()
}

// begin starts a program; what it gives waits for its end.
func begin(t testing.TB, cmd *exec.Cmd) (end func() result) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	at := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() result { return ended(t, cmd, at, &out, &errs) }
}

func ended(t testing.TB, cmd *exec.Cmd, begin time.Time, out, errs *bytes.Buffer) result {
	t.Helper()
	err := cmd.Wait()
	res := result{out: out.String(), err: errs.String(), took: time.Since(begin)}
	exit := new(exec.ExitError)
	switch {
	case errors.As(err, &exit):
		res.code = exit.ExitCode()
	case err != nil:
		t.Error(err)
	}
	return res
}

// must runs the program and fails the test on any other exit code.
func (p *program) must(code int, args ...string) result {
	p.t.Helper()
	res := p.run(args...)
	if res.code != code {
		p.t.Fatalf("runback %v: exit code %d, want %d\n%s%s", args, res.code, code, res.out, res.err)
	}
	return res
}

func (p *program) json(into any, args ...string) {
	p.t.Helper()
	res := p.run(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(res.out), into); err != nil {
		p.t.Fatalf("runback %v: %v\n%s%s", args, err, res.out, res.err)
	}
}

// runView is what the tests read of status -o json.
type runView struct {
	ID      string
	Status  string
	Message string
	Changed bool

	Obligations []struct{ Key, What, Step string }
	Steps       []struct {
		Path    string
		Status  string
		Intent  *struct{ Preview preview }
		Outputs map[string]any
	}
}

type preview struct {
	Label   string
	Summary string
	Object  string
	Changes []change
}

type change struct {
	Object string
	Path   string
	Before any
	After  any
}

func (p *program) status(id string) runView {
	p.t.Helper()
	var v runView
	p.json(&v, "status", id)
	return v
}
