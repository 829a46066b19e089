package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/sandbox/layout"
)

func (s *sandbox) sandboxCommand(args ...string) (string, error) {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), filepath.Join(programs, "sandbox"), args...).CombinedOutput()
	return string(out), err
}

func TestSideBySideAndDown(t *testing.T) {
	a, b := start(t, "healthy"), start(t, "blue-green")
	a.expectErrorShare(0)
	b.expectErrorShare(.4)
	a.mustKubectl("scale", "deployment/app-stable", "--replicas=1")
	if out, err := a.sandboxCommand("up", "--dir", string(a.dir)); err == nil || !strings.Contains(out, "runs there already") {
		t.Errorf("a second up in one folder: %v\n%s", err, out)
	}
	if out, err := a.sandboxCommand("down", "--dir", string(a.dir)); err != nil {
		t.Fatalf("down: %v\n%s", err, out)
	}
	a.expectNothingLeft()
	if out, err := a.sandboxCommand("down", "--dir", string(a.dir)); err != nil {
		t.Errorf("down again: %v\n%s", err, out)
	}
	// the other one has not noticed
	b.expectErrorShare(.4)
	if n := len(leftovers(string(b.dir))); n < 13 {
		t.Errorf("only %d processes of the other sandbox are left", n)
	}
	var status struct{ Phase string }
	out, err := a.sandboxCommand("status", "--dir", string(a.dir), "-o", "json")
	if err != nil || json.Unmarshal([]byte(out), &status) != nil || status.Phase != "stopped" {
		t.Errorf("status after down: %v\n%s", err, out)
	}
}

func TestKilledSupervisorLeavesNothing(t *testing.T) {
	s := start(t, "healthy")
	// a process that starts others, and does not end when asked
	s.apply(hostPod("family", `trap '' TERM; sleep 1000 & setsid sleep 1000 & while :; do sleep 1; done`))
	s.awaitReady("family")
	if n := len(leftovers(string(s.dir))); n < 11 {
		t.Fatalf("found only %d processes: this test would see nothing", n)
	}
	state, err := s.dir.ReadState()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(state.Supervisor.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expectNothingLeft()
	if out, _ := s.sandboxCommand("status", "--dir", string(s.dir)); !strings.Contains(out, "supervisor was killed") {
		t.Errorf("status: %s", out)
	}
}

func TestOwnerGone(t *testing.T) {
	owner := exec.Command("sleep", "1000")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	s := start(t, "healthy", "--owner-pid", strconv.Itoa(owner.Process.Pid))
	time.Sleep(time.Second)
	if state, err := s.dir.ReadState(); err != nil || !state.Supervisor.Alive() {
		t.Fatalf("ended before its owner: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	s.expectNothingLeft()
}

func TestTimeToLive(t *testing.T) {
	s := start(t, "healthy", "--ttl", "4s")
	s.eventually("its end", 20*time.Second, func() error {
		if left := leftovers(string(s.dir)); len(left) > 0 {
			return fmt.Errorf("%d processes", len(left))
		}
		return nil
	})
}

// TestUpKilled kills `up` itself while it deploys.
func TestUpKilled(t *testing.T) {
	s := &sandbox{t: t, dir: layout.Dir(filepath.Join(t.TempDir(), "sandbox"))}
	t.Cleanup(s.cleanUp)
	up := exec.Command(filepath.Join(programs, "sandbox"), "up", "--dir", string(s.dir))
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "API server") {
			break
		}
	}
	_ = up.Process.Kill()
	_ = up.Wait()
	s.expectNothingLeft()
}

// TestStartTellsReason kills a component before the sandbox stands.
func TestStartTellsReason(t *testing.T) {
	s := &sandbox{t: t, dir: layout.Dir(filepath.Join(t.TempDir(), "sandbox"))}
	t.Cleanup(s.cleanUp)
	killed := make(chan error, 1)
	go func() {
		for range 500 {
			time.Sleep(10 * time.Millisecond)
			state, err := s.dir.ReadState()
			if err == nil && len(state.Components) > 1 {
				killed <- state.Components[0].Process.Signal(syscall.SIGKILL)
				return
			}
		}
		killed <- fmt.Errorf("no component to kill")
	}()
	begin := time.Now()
	out, err := s.sandboxCommand("up", "--dir", string(s.dir))
	if kerr := <-killed; kerr != nil {
		t.Fatal(kerr)
	}
	if err == nil || !strings.Contains(out, "etcd ended: signal: killed") || !strings.Contains(out, "last lines of") {
		t.Errorf("up: %v\n%s", err, out)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("told after %s", took)
	}
}

// TestAPIServerOutage kills the API server: the sandbox brings it back, the
// pods have not noticed.
func TestAPIServerOutage(t *testing.T) {
	s := start(t, "healthy")
	before := s.load(time.Second)
	pid, err := strconv.Atoi(s.env["APISERVER_PID"])
	if err != nil {
		t.Fatal(err)
	}
	pods := s.mustKubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("another API server", 20*time.Second, func() error {
		s.connect()
		if s.env["APISERVER_PID"] == strconv.Itoa(pid) {
			return fmt.Errorf("still process %d", pid)
		}
		_, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		return err
	})
	s.mustKubectl("scale", "deployment/app-stable", "--replicas=4")
	s.mustKubectl("rollout", "status", "deployment/app-stable", "--timeout=30s")
	if now := s.mustKubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"); !strings.Contains(now, strings.Fields(pods)[0]) {
		t.Errorf("pods were replaced: %s, then %s", pods, now)
	}
	if after := s.load(time.Second); after.Total.Errors != before.Total.Errors || after.Total.Requests <= before.Total.Requests {
		t.Errorf("customers noticed: %+v, then %+v", before.Total, after.Total)
	}
}

// TestOrdinaryUser runs a sandbox without being root.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this whole test run is by an ordinary user")
	}
	const nobody = 65534
	parent, err := os.MkdirTemp("", "sandbox-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	if err := os.Chown(parent, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	s := &sandbox{t: t, dir: layout.Dir(filepath.Join(parent, "sandbox"))}
	t.Cleanup(s.cleanUp)
	up := exec.Command(filepath.Join(programs, "sandbox"), "up", "--dir", string(s.dir))
	up.Dir = "/"
	up.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	}
	s.connect()
	s.expectErrorShare(0)
	if got := s.kubectl("", "exec", "deploy/app-stable", "--", "sh", "-c", "kill -0 1 && exit 5"); got.code != 5 {
		t.Errorf("exec: %+v", got)
	}
	state, err := s.dir.ReadState()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(state.Supervisor.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expectNothingLeft()
}

// TestAudit looks for what a test of a rollback needs to find.
func TestAudit(t *testing.T) {
	s := start(t, "direct", "--rate", "5")
	s.mustKubectl("patch", "service", "app-service", "--field-manager=auditor", "-p", `{"spec":{"selector":{"version":"canary"}}}`)
	s.mustKubectl("scale", "deployment/app-stable", "--replicas=3", "--dry-run=server")
	raw, err := os.ReadFile(s.env["AUDIT_LOG"])
	if err != nil {
		t.Fatal(err)
	}
	var patch, dryRun, deploys int
	for line := range strings.Lines(string(raw)) {
		var e struct {
			Stage, Verb, RequestURI, UserAgent string
			User                               struct{ Username string }
			ObjectRef                          struct{ Resource, Name string }
			ResponseStatus                     struct{ Code int }
			RequestObject                      json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		switch {
		case e.Stage == "RequestReceived" || e.ObjectRef.Resource == "leases" || e.ObjectRef.Resource == "events":
			t.Errorf("noise: %s", line)
		case e.Verb == "patch" && e.ObjectRef.Name == "app-service" && strings.Contains(e.RequestURI, "fieldManager=auditor"):
			patch++
			if e.User.Username != "sandbox-admin" || e.ResponseStatus.Code != 200 || !strings.HasPrefix(e.UserAgent, "kubectl") ||
				!strings.Contains(string(e.RequestObject), `"version":"canary"`) {
				t.Errorf("patch: %s", line)
			}
		case strings.Contains(e.RequestURI, "dryRun=All") && e.ObjectRef.Name == "app-stable":
			dryRun++
		case e.ObjectRef.Resource == "deployments" && strings.Contains(e.RequestURI, "fieldManager=sandbox-deploy"):
			deploys++
		}
	}
	if patch != 1 || dryRun != 1 || deploys != 2 {
		t.Errorf("found %d patches, %d dry runs, %d deployments", patch, dryRun, deploys)
	}
}

// TestWithoutNamespaces runs where a container is only a process group: what a
// killed supervisor leaves behind, down has to find.
func TestWithoutNamespaces(t *testing.T) {
	s := start(t, "healthy", "--isolation", "process-group")
	s.apply(hostPod("family", `sleep 1000 & setsid sleep 1000 & exec sleep 1000`))
	s.awaitReady("family")
	if got := s.kubectl("", "exec", "family", "--", "sh", "-c", "exit 4"); got.code != 4 {
		t.Errorf("exec: %+v", got)
	}
	state, err := s.dir.ReadState()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(state.Supervisor.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("the supervised processes end", 5*time.Second, func() error {
		if left := leftovers(string(s.dir)); len(left) > 2 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	if len(leftovers(string(s.dir))) == 0 {
		t.Log("nothing was left even before down")
	}
	if out, err := s.sandboxCommand("down", "--dir", string(s.dir)); err != nil {
		t.Fatalf("down: %v\n%s", err, out)
	}
	s.expectNothingLeft()
}

// TestNodeAgentKilled kills the agent: its pods end with it and come back.
func TestNodeAgentKilled(t *testing.T) {
	s := start(t, "healthy")
	state, err := s.dir.ReadState()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range state.Components {
		if c.Name == "nodes" {
			if err := c.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.eventually("restarted pods", 15*time.Second, func() error {
		pods, err := s.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			if !podReady(&p) || p.Status.ContainerStatuses[0].RestartCount != 1 {
				return fmt.Errorf("%s: ready %v, %d restarts", p.Name, podReady(&p), p.Status.ContainerStatuses[0].RestartCount)
			}
		}
		return nil
	})
	s.expectErrorShare(0)
}
