package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
)

// TestStopAndResume: Ctrl-C stops after the current step, says how to go on,
// and the resumed run ends as if nothing had been. Rolling back twice changes
// nothing the second time.
func TestStopAndResume(t *testing.T) {
	env := testcluster.Up(t, "rolling")
	w, p := newWorld(t, env), newProgram(t, env)

	cmd := p.command("run", "rolling", "--yes", "--reason", "test", "-o", "json")
	interruptAfter(t, cmd, `"step.acted","path":"halt_and_revert/halt"`, syscall.SIGINT)
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Fatalf("interrupted run: exit code %d, want 5", code)
	}
	if s := p.status("last"); s.Status != "cancelled" {
		t.Fatalf("status %s, want cancelled", s.Status)
	}

	t.Run("refused on another cluster", func(t *testing.T) {
		other := testcluster.Up(t, "healthy")
		q := *p
		q.kube = swapped(t, env.Kubeconfig, other.Kubeconfig)
		before := len(newWorld(t, other).writes("default"))
		res := q.must(3, "resume", "last")
		contains(t, res.err, "not the target that was planned")
		if n := len(newWorld(t, other).writes("default")); n != before {
			t.Errorf("%d writes were made on the other cluster", n-before)
		}
	})

	res := p.must(0, "resume", "last")
	contains(t, res.out, "succeeded")
	if code := p.run("resume", "last").code; code != 3 {
		t.Errorf("resume of a run that is over: exit code %d, want 3", code)
	}

	after := w.fields("default")
	writes := len(w.writes("default"))
	again := p.must(0, "run", "rolling", "--yes", "--reason", "once more")
	contains(t, squeeze(again.out), "rolled back to")
	if diff := fieldDiff(after, w.fields("default")); len(diff) > 0 || len(w.writes("default")) != writes {
		t.Errorf("rolling back twice changed %v", diff)
	}
	var runs []struct{ ID, Playbook, Status, Started string }
	p.json(&runs, "runs")
	if len(runs) != 2 || runs[0].Started < runs[1].Started || runs[0].Status != "succeeded" || runs[1].Playbook != "rolling" {
		t.Errorf("runs: %+v", runs)
	}
}

// swapped puts another cluster behind the same kubeconfig context, as happens
// when a cluster is made anew under the old name.
func swapped(t *testing.T, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := os.ReadFile(from); err != nil || bytes.Equal(same, b) {
		t.Fatal("both clusters have the same kubeconfig")
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func fieldDiff(a, b map[string]any) []string {
	var out []string
	for k := range b {
		if jsonText(a[k]) != jsonText(b[k]) {
			out = append(out, k)
		}
	}
	return out
}

// interruptAfter starts a command and sends it a signal when a line of its
// output holds a text, and then does more.
func interruptAfter(t *testing.T, cmd *exec.Cmd, text string, sig syscall.Signal, then ...func()) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("it said:\n%s", all.String())
		}
	})
	buf, sent := make([]byte, 4096), false
	for {
		n, err := out.Read(buf)
		all.Write(buf[:n])
		if !sent && strings.Contains(all.String(), text) {
			sent = true
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			for _, f := range then {
				f()
			}
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // the exit code is for the caller
	if !sent {
		t.Fatalf("%q did not occur in:\n%s", text, all.String())
	}
}

// TestUnreachable: an API server that does not answer is not a failed step. The
// run holds, says so, and goes on when it answers again.
func TestUnreachable(t *testing.T) {
	env := testcluster.Up(t, "canary")
	p := newProgram(t, env)
	pid, err := strconv.Atoi(env.Vars["APISERVER_PID"])
	if err != nil {
		t.Fatal(err)
	}
	resumeServer := func() {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(resumeServer)
	// One question after the other, so that one is asked while nobody answers.
	file := writePlaybook(t, fmt.Sprintf(`apiVersion: runback/v1
kind: Playbook
metadata: {name: asking, version: 1.0.0}
spec:
  budget: 5m
  target: {kubernetes: {namespace: default}}
  steps:
    - id: often
      foreach: [%s]
      steps: [{id: ask, uses: k8s.get, with: {kind: deployment, name: app-stable}}]
`, strings.TrimSuffix(strings.Repeat("0,", 500), ",")))
	cmd := p.command("run", file, "--yes", "--reason", "test", "-o", "json")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It must know the cluster before the cluster falls silent.
	for begun := []struct{ ID string }{}; len(begun) == 0; time.Sleep(20 * time.Millisecond) {
		p.json(&begun, "runs")
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(15 * time.Second)
	resumeServer()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("run: %v\n%s", err, out.String())
	}
	contains(t, out.String(), "step.held")
	if s := p.status("last"); s.Status != "succeeded" {
		t.Errorf("status %s", s.Status)
	}
}
