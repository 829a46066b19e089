package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hostPod is a manifest of a pod that runs a program of this machine.
func hostPod(name, script string, more ...string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {test: pods}}
spec:
  terminationGracePeriodSeconds: 2
%s
  containers:
    - name: main
      image: host:local
      command: [sh, -c, %q]
`, name, strings.Join(more, "\n"), script)
}

func (s *sandbox) pod(name string) *corev1.Pod {
	s.t.Helper()
	p, err := s.client.CoreV1().Pods("default").Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *sandbox) awaitReady(name string) {
	s.t.Helper()
	s.eventually(name+" ready", 10*time.Second, func() error {
		if p := s.pod(name); !podReady(p) {
			return fmt.Errorf("%+v", p.Status.ContainerStatuses)
		}
		return nil
	})
}

// TestPods uses one sandbox for everything that a node does with its pods.
func TestPods(t *testing.T) {
	s := start(t, "healthy", "--rate", "5")
	for name, test := range map[string]func(*sandbox){
		"exec":           testExec,
		"logs":           testLogs,
		"crash loop":     testCrashLoop,
		"grace":          testGrace,
		"ignores term":   testIgnoresTerm,
		"force delete":   testForceDelete,
		"liveness":       testLiveness,
		"images":         testImages,
		"environment":    testEnvironment,
		"port-forward":   testPortForward,
		"metrics":        testMetrics,
		"job":            testJob,
		"image in place": testImageInPlace,
		"foreign labels": testForeignLabels,
	} {
		t.Run(name, func(t *testing.T) {
			test(&sandbox{t: t, dir: s.dir, env: s.env, client: s.client})
		})
	}
}

func testExec(s *sandbox) {
	s.apply(hostPod("exec", "exec sleep 1000"))
	s.awaitReady("exec")
	for _, c := range []struct {
		name   string
		script string
		want   result
	}{
		{"success", "echo out; echo err >&2", result{"out\n", "err\n", 0}},
		{"exit code", "exit 7", result{"", "command terminated with exit code 7\n", 7}},
		{"signal", "kill -9 $$", result{"", "command terminated with exit code 137\n", 137}},
		{"same namespace", "kill -0 1 && test $$ != 1", result{"", "", 0}},
		{"variables", "echo $POD_NAME", result{"exec\n", "", 0}},
	} {
		if got := s.kubectl("", "exec", "exec", "--", "sh", "-c", c.script); got != c.want {
			s.t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	if got := s.kubectl(big, "exec", "-i", "exec", "--", "wc", "-c"); strings.TrimSpace(got.stdout) != strconv.Itoa(len(big)) {
		s.t.Errorf("standard input: %+v, want %d", got, len(big))
	}
	// a command that ends before its input does must not hang
	if got := s.kubectl(big, "exec", "-i", "exec", "--", "true"); got.code != 0 {
		s.t.Errorf("unread input: %+v", got)
	}
	if got := s.kubectl("", "exec", "exec", "--", "no-such-program"); got.code == 0 || !strings.Contains(got.stderr, "not found") {
		s.t.Errorf("unknown program: %+v", got)
	}
}

func testLogs(s *sandbox) {
	s.apply(hostPod("logs", "for i in 1 2 3 4 5; do echo line $i; done; sleep 0.5; echo late; exec sleep 1000"))
	s.awaitReady("logs")
	s.eventually("late line", 5*time.Second, func() error {
		if got := s.mustKubectl("logs", "logs"); got != "line 1\nline 2\nline 3\nline 4\nline 5\nlate\n" {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	if got := s.mustKubectl("logs", "logs", "--tail=2"); got != "line 5\nlate\n" {
		s.t.Errorf("tail: %q", got)
	}
	stamped := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z late\n$`)
	if got := s.mustKubectl("logs", "logs", "--tail=1", "--timestamps"); !stamped.MatchString(got) {
		s.t.Errorf("timestamps: %q", got)
	}
	// the API keeps whole seconds only
	if got := s.mustKubectl("logs", "logs", "--since-time="+time.Now().Add(time.Minute).UTC().Format(time.RFC3339)); got != "" {
		s.t.Errorf("since a minute from now: %q", got)
	}
	if got := s.mustKubectl("logs", "logs", "--since=1m"); !strings.HasPrefix(got, "line 1\n") {
		s.t.Errorf("since a minute ago: %q", got)
	}
	if got := s.mustKubectl("logs", "logs", "--limit-bytes=4"); got != "line" {
		s.t.Errorf("limit: %q", got)
	}
	if got := s.kubectl("", "logs", "logs", "--previous"); got.code == 0 || !strings.Contains(got.stderr, "previous terminated container") {
		s.t.Errorf("previous of a first run: %+v", got)
	}
	s.apply(hostPod("follow", "for i in 1 2 3 4 5 6; do echo tick $i; sleep 0.2; done; exec sleep 1000", "  restartPolicy: Never"))
	s.awaitReady("follow")
	var out bytes.Buffer
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(programs, "sandbox"), "kubectl", "logs", "-f", "follow")
	cmd.Env = append(cmd.Environ(), "KUBECONFIG="+s.dir.Kubeconfig())
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(1700 * time.Millisecond)
	s.mustKubectl("delete", "pod", "follow", "--wait=false")
	if err := cmd.Wait(); err != nil { // it ends with the container
		s.t.Errorf("follow: %v", err)
	}
	if !strings.Contains(out.String(), "tick 1\n") || !strings.Contains(out.String(), "tick 6\n") {
		s.t.Errorf("followed %q", out.String())
	}
}

func testCrashLoop(s *sandbox) {
	s.apply(hostPod("crash", "echo run of $POD_NAME; exit 3"))
	s.eventually("three restarts and a back-off", 20*time.Second, func() error {
		c := s.pod("crash").Status.ContainerStatuses
		if len(c) == 0 || c[0].RestartCount < 3 || c[0].State.Waiting == nil || c[0].State.Waiting.Reason != "CrashLoopBackOff" {
			return fmt.Errorf("%+v", c)
		}
		if t := c[0].LastTerminationState.Terminated; t == nil || t.ExitCode != 3 || t.Reason != "Error" {
			return fmt.Errorf("last state %+v", c[0].LastTerminationState)
		}
		return nil
	})
	if got := s.mustKubectl("logs", "crash", "--previous"); got != "run of crash\n" {
		s.t.Errorf("previous log %q", got)
	}
	if p := s.pod("crash"); p.Status.Phase != corev1.PodRunning || podReady(p) {
		s.t.Errorf("phase %s, ready %v", p.Status.Phase, podReady(p))
	}
	begin := time.Now()
	s.mustKubectl("delete", "pod", "crash")
	if took := time.Since(begin); took > 2*time.Second {
		s.t.Errorf("deleting a pod that waits took %s", took)
	}
}

// deleteTakes deletes a pod and says how long it stayed.
func (s *sandbox) deleteTakes(name string, flags ...string) time.Duration {
	s.t.Helper()
	begin := time.Now()
	s.mustKubectl(append([]string{"delete", "pod", name}, flags...)...)
	return time.Since(begin)
}

func testGrace(s *sandbox) {
	s.apply(hostPod("polite", `trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.1; done`))
	s.awaitReady("polite")
	if took := s.deleteTakes("polite", "--grace-period=20"); took < 500*time.Millisecond || took > 4*time.Second {
		s.t.Errorf("a pod that ends 0.5 s after SIGTERM took %s", took)
	}
}

func testIgnoresTerm(s *sandbox) {
	s.apply(hostPod("stubborn", `trap '' TERM; while :; do sleep 0.1; done`))
	s.awaitReady("stubborn")
	if took := s.deleteTakes("stubborn"); took < 2*time.Second || took > 5*time.Second {
		s.t.Errorf("a pod that ignores SIGTERM took %s with a grace of 2 s", took)
	}
}

func testForceDelete(s *sandbox) {
	s.apply(hostPod("forced", `trap '' TERM; while :; do sleep 0.1; done`))
	s.awaitReady("forced")
	dir := filepath.Join(s.dir.Pods(), string(s.pod("forced").UID))
	s.mustKubectl("delete", "pod", "forced", "--force", "--grace-period=0")
	s.eventually("its process is gone", 3*time.Second, func() error {
		if left := leftovers(dir); len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
}

func testLiveness(s *sandbox) {
	s.apply(hostPod("alive", "touch well; exec sleep 1000") + `
      livenessProbe: {exec: {command: [test, -e, well]}, periodSeconds: 1, failureThreshold: 1}
      readinessProbe: {exec: {command: [test, -e, well]}, periodSeconds: 1}
`)
	s.awaitReady("alive")
	s.mustKubectl("exec", "alive", "--", "rm", "well")
	s.eventually("a restart", 10*time.Second, func() error {
		if n := s.pod("alive").Status.ContainerStatuses[0].RestartCount; n != 1 {
			return fmt.Errorf("restart count %d", n)
		}
		return nil
	})
	s.awaitReady("alive")
}
