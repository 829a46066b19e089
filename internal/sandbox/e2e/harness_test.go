package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/load"
)

// sandbox is one that runs for a test.
type sandbox struct {
	t      *testing.T
	dir    layout.Dir
	env    map[string]string
	client kubernetes.Interface
}

// start brings a sandbox up and takes it down when the test ends.
func start(t *testing.T, scenario string, flags ...string) *sandbox {
	t.Helper()
	s := &sandbox{t: t, dir: layout.Dir(filepath.Join(t.TempDir(), "sandbox"))}
	t.Cleanup(s.cleanUp)
	args := append([]string{"up", "--dir", string(s.dir), "--scenario", scenario, "--owner-pid", strconv.Itoa(os.Getpid())}, flags...)
	out, err := exec.Command(filepath.Join(programs, "sandbox"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	}
	s.connect()
	return s
}

func (s *sandbox) connect() {
	s.t.Helper()
	raw, err := os.ReadFile(s.dir.Env())
	if err != nil {
		s.t.Fatal(err)
	}
	s.env = map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		s.env[name] = strings.Trim(value, "'")
	}
	rc, err := clientcmd.BuildConfigFromFlags("", s.dir.Kubeconfig())
	if err != nil {
		s.t.Fatal(err)
	}
	rc.QPS, rc.Burst = 100, 100
	if s.client, err = kubernetes.NewForConfig(rc); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sandbox) cleanUp() {
	out, err := exec.Command(filepath.Join(programs, "sandbox"), "down", "--dir", string(s.dir)).CombinedOutput()
	if err != nil {
		s.t.Errorf("down: %v\n%s", err, out)
	}
	s.expectNothingLeft()
	if s.t.Failed() {
		for _, name := range []string{"supervisor", "nodes", "front"} {
			raw, _ := os.ReadFile(s.dir.Log(name))
			s.t.Logf("%s.log:\n%s", name, raw[max(0, len(raw)-4000):])
		}
	}
}

func (s *sandbox) expectNothingLeft() {
	s.t.Helper()
	s.eventually("no process is left", 5*time.Second, func() error {
		if left := leftovers(string(s.dir)); len(left) > 0 {
			return fmt.Errorf("left over: %v", left)
		}
		return nil
	})
}

// leftovers finds processes of a sandbox without asking the sandbox: by the
// folder in their command line or as their working folder.
func leftovers(dir string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		pid, _ := strconv.Atoi(filepath.Base(p))
		if pid == os.Getpid() {
			continue
		}
		raw, _ := os.ReadFile(p + "/cmdline")
		command := strings.ReplaceAll(string(raw), "\x00", " ")
		cwd, _ := os.Readlink(p + "/cwd")
		if strings.Contains(command, dir) || strings.HasPrefix(cwd, dir) {
			found = append(found, fmt.Sprintf("%d %s", pid, command))
		}
	}
	return found
}

// result is what a command did.
type result struct {
	stdout, stderr string
	code           int
}

// kubectl runs the sandbox's own kubectl.
func (s *sandbox) kubectl(stdin string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "sandbox"), append([]string{"kubectl"}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.dir.Kubeconfig())
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("kubectl %v: %v", args, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// mustKubectl fails the test unless kubectl succeeds.
func (s *sandbox) mustKubectl(args ...string) string {
	s.t.Helper()
	r := s.kubectl("", args...)
	if r.code != 0 {
		s.t.Fatalf("kubectl %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

func (s *sandbox) apply(manifest string) {
	s.t.Helper()
	if r := s.kubectl(manifest, "apply", "-f", "-"); r.code != 0 {
		s.t.Fatalf("apply: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// eventually waits until check has nothing to object.
func (s *sandbox) eventually(what string, limit time.Duration, check func() error) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *sandbox) load(window time.Duration) load.Report {
	s.t.Helper()
	var r load.Report
	s.getJSON(s.env["LOAD_URL"]+"?window="+window.String(), &r)
	return r
}

func (s *sandbox) getJSON(url string, into any) {
	s.t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		s.t.Fatal(err)
	}
}

// call asks the application as a customer and returns status and version.
func (s *sandbox) call(path string) (code int, version, reason string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.env["APP_URL"]+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, resp.Header.Get("X-App-Version"), resp.Header.Get("X-Sandbox-Front")
}

// shares counts who answered n calls.
func (s *sandbox) shares(n int) map[string]int {
	s.t.Helper()
	got := map[string]int{}
	for range n {
		code, version, _ := s.call("/")
		if version == "" {
			version = strconv.Itoa(code)
		}
		got[version]++
	}
	return got
}
