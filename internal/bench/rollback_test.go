package bench

import (
	"os/exec"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
)

// BenchmarkBlueGreen rolls the same release back on one sandbox, in turns: by the
// playbook, and by a shell script that makes the same calls and waits with
// kubectl.
func BenchmarkBlueGreen(b *testing.B) {
	env := testcluster.Up(b, "blue-green")
	p := newProgram(b)
	p.more = []string{"KUBECONFIG=" + env.Kubeconfig}
	kubectl := []string{testcluster.Binary(b, "sandbox"), "kubectl", "--kubeconfig", env.Kubeconfig}
	call := func(args ...string) {
		b.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	forward := func() {
		call(append(kubectl, "patch", "service", "app-service", "-p", `{"spec":{"selector":{"app":"myapp","version":"canary"}}}`)...)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		forward()
		ours += p.run("run", "blue-green", "--yes", "--reason", "bench", "-q").wall
		forward()
		begin := time.Now()
		call(append([]string{"bash", "testdata/blue-green.sh"}, kubectl...)...)
		theirs += time.Since(begin)
	}
	b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "ms/playbook")
	b.ReportMetric(float64(theirs.Milliseconds())/float64(b.N), "ms/script")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}
