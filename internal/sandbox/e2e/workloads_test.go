package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func testImages(s *sandbox) {
	s.mustKubectl("run", "unknown", "--image=elsewhere/thing:1")
	s.mustKubectl("run", "typo", "--image=myapp:1.4.2-erors")
	for _, name := range []string{"unknown", "typo"} {
		seen := map[string]bool{}
		s.eventually(name+" cannot be pulled", 10*time.Second, func() error {
			c := s.pod(name).Status.ContainerStatuses
			if len(c) == 1 && c[0].State.Waiting != nil {
				seen[c[0].State.Waiting.Reason] = true
			}
			if !seen["ErrImagePull"] || !seen["ImagePullBackOff"] {
				return fmt.Errorf("seen %v", seen)
			}
			return nil
		})
		if phase := s.pod(name).Status.Phase; phase != corev1.PodPending {
			s.t.Errorf("%s is %s", name, phase)
		}
	}
}

func testEnvironment(s *sandbox) {
	s.apply(`
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: green}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {word: sesame}
---
apiVersion: v1
kind: Pod
metadata: {name: env, labels: {tier: back}}
spec:
  restartPolicy: Never
  containers:
    - name: main
      image: host:local
      command: [sh, -c, 'echo "$PLAIN $COLOR $WORD $NAME $TIER $IP $MISSING. $(PLAIN)"']
      env:
        - {name: PLAIN, value: plain}
        - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
        - {name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}
        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: MISSING, valueFrom: {configMapKeyRef: {name: nowhere, key: color, optional: true}}}
`)
	s.eventually("completion", 10*time.Second, func() error {
		if p := s.pod("env"); p.Status.Phase != corev1.PodSucceeded {
			return fmt.Errorf("%s %+v", p.Status.Phase, p.Status.ContainerStatuses)
		}
		return nil
	})
	want := "plain green sesame env back " + s.pod("env").Status.PodIP + " . plain\n"
	if got := s.mustKubectl("logs", "env"); got != want {
		s.t.Errorf("%q, want %q", got, want)
	}
}

func testPortForward(s *sandbox) {
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(programs, "sandbox"), "kubectl", "port-forward", "service/app-service", ":80")
	cmd.Env = append(cmd.Environ(), "KUBECONFIG="+s.dir.Kubeconfig())
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	line := make([]byte, 256)
	n, err := out.Read(line)
	if err != nil {
		s.t.Fatal(err)
	}
	m := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindSubmatch(line[:n])
	if m == nil {
		s.t.Fatalf("no port in %q", line[:n])
	}
	for range 3 {
		resp, err := http.Get("http://127.0.0.1:" + string(m[1]) + "/version")
		if err != nil {
			s.t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(body), `"version":"1.4.2"`) {
			s.t.Errorf("answer %q", body)
		}
	}
}

func testMetrics(s *sandbox) {
	s.apply(hostPod("busy", "while :; do :; done"))
	s.awaitReady("busy")
	defer s.mustKubectl("delete", "pod", "busy", "--wait=false")
	node := s.pod("busy").Spec.NodeName
	cpu := regexp.MustCompile(`pod_cpu_usage_seconds_total\{namespace="default",pod="busy"\} (\S+)`)
	memory := regexp.MustCompile(`pod_memory_working_set_bytes\{namespace="default",pod="busy"\} (\S+)`)
	s.eventually("used CPU", 10*time.Second, func() error {
		body := s.nodeMetrics(node)
		c, m := number(cpu, body), number(memory, body)
		if c < 0.3 || m < 100_000 {
			return fmt.Errorf("cpu %v memory %v", c, m)
		}
		return nil
	})
}

func number(re *regexp.Regexp, text string) float64 {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	f, _ := strconv.ParseFloat(m[1], 64)
	return f
}

func testJob(s *sandbox) {
	s.apply(`
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "host:local", command: [sh, -c, "echo migrated"]}]
`)
	s.mustKubectl("wait", "--for=condition=complete", "job/migrate", "--timeout=15s")
	if got := s.mustKubectl("logs", "job/migrate"); got != "migrated\n" {
		s.t.Errorf("log %q", got)
	}
}

func testImageInPlace(s *sandbox) {
	s.mustKubectl("run", "inplace", "--image=myapp:1.4.2", "--port=8080")
	s.awaitReady("inplace")
	s.mustKubectl("set", "image", "pod/inplace", "inplace=myapp:1.4.3")
	s.eventually("a restart with the new image", 10*time.Second, func() error {
		c := s.pod("inplace").Status.ContainerStatuses[0]
		if c.RestartCount != 1 || c.Image != "myapp:1.4.3" || !c.Ready {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	if got := s.mustKubectl("logs", "inplace"); !strings.Contains(got, `"version":"1.4.3"`) {
		s.t.Errorf("log %q", got)
	}
}

// testForeignLabels wants that our status writes leave alone what others wrote.
func testForeignLabels(s *sandbox) {
	s.apply(hostPod("labelled", "exec sleep 1000") + `
      readinessProbe: {exec: {command: [test, '!', -e, ill]}, periodSeconds: 1, failureThreshold: 1}
`)
	s.awaitReady("labelled")
	s.mustKubectl("label", "pod", "labelled", "quarantine=yes")
	s.mustKubectl("exec", "labelled", "--", "touch", "ill")
	s.eventually("not ready", 5*time.Second, func() error {
		if podReady(s.pod("labelled")) {
			return fmt.Errorf("still ready")
		}
		return nil
	})
	if got := s.pod("labelled").Labels["quarantine"]; got != "yes" {
		s.t.Errorf("label is %q after a status write", got)
	}
}
