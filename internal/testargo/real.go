package testargo

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/internal/testcluster"
)

// Real runs the real controller in the namespace until the test is over; make
// test-argo builds it.
func (r *Rollout) Real(env *testcluster.Env) {
	r.t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(testcluster.Binary(r.t, "argo-rollouts"), "--kubeconfig", env.Kubeconfig, "--namespace", r.namespace, "--namespaced",
		"--leader-elect=false", "--metricsPort", r.freePort(), "--healthzPort", r.freePort())
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if r.t.Failed() {
			r.t.Logf("controller: %s", log.Bytes())
		}
	})
	r.nudge()
}

// nudge touches the Rollout now and then. The controller puts what it wrote into
// its own cache, and so may lose sight of a change that came at the same moment
// until the next one; argo.status says that it has not seen it.
func (r *Rollout) nudge() {
	stop := make(chan struct{})
	done := make(chan struct{})
	client := r.dyn.Resource(rollouts()).Namespace(r.namespace)
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Second):
				body := fmt.Sprintf(`{"metadata":{"annotations":{"example.com/nudge":"%d"}}}`, n)
				_, _ = client.Patch(context.Background(), Name, types.MergePatchType, []byte(body), metav1.PatchOptions{})
			}
		}
	}()
	r.t.Cleanup(func() { close(stop); <-done })
}

// RealCanary makes the Rollout that MidCanary makes, with the real controller at
// work: the good version is released first, and its weights are those of an
// Ingress, for the real one needs no plugin for that.
func (r *Rollout) RealCanary(env *testcluster.Env) {
	r.t.Helper()
	r.Real(env)
	r.make(byIngress, Good)
	r.Eventually("the first version is stable", func() bool { return r.text("phase") == "Healthy" && r.text("stableRS") != "" })
	r.Deploy(Bad)
	r.Eventually("the canary pauses", func() bool { return r.text("phase") == "Paused" && r.Weight() == 25 })
}

func (r *Rollout) freePort() string {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
