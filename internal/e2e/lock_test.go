package e2e

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/runbackhq/runback/internal/testcluster"
)

// TestOneRunForEachTarget: the lock lives with the target, so that machines
// which share nothing else see one another.
func TestOneRunForEachTarget(t *testing.T) {
	env := testcluster.Up(t, "healthy")
	w := newWorld(t, env)
	leases := func(ns string) client.LeaseInterface { return w.core.CoordinationV1().Leases(ns) }
	args := func(ns string) []string {
		return []string{"run", "canary", "--set", "namespace=" + ns, "--yes", "--reason", "test"}
	}

	t.Run("two at the same moment", func(t *testing.T) {
		t.Parallel()
		for _, ns := range []string{"race-1", "race-2", "race-3"} {
			seed(t, env, "canary", ns)
			var codes [2]int
			var errs [2]string
			var wg sync.WaitGroup
			for i := range codes {
				p := newProgram(t, env) // a store of its own
				wg.Go(func() {
					res := p.run(args(ns)...)
					codes[i], errs[i] = res.code, res.err
				})
			}
			wg.Wait()
			won, lost := 0, 1
			if codes[0] != 0 {
				won, lost = 1, 0
			}
			if codes[won] != 0 || codes[lost] != 6 {
				t.Fatalf("%s: exit codes %v\n%s", ns, codes, errs)
			}
			contains(t, squeeze(errs[lost]), "lease runback in namespace "+ns+" is held by run r-")
		}
	})

	t.Run("a dead holder is followed at once", func(t *testing.T) {
		t.Parallel()
		seed(t, env, "canary", "dead")
		p := newProgram(t, env)
		p.bin = testcluster.Binary(t, "runback-crash")
		cmd := p.command(args("dead")...)
		cmd.Env = append(cmd.Env, "RUNBACK_CRASH_AT=event:9")
		if res := finish(t, cmd); res.code != -1 {
			t.Fatalf("did not die: %d", res.code)
		}
		begin := time.Now()
		q := newProgram(t, env)
		res := q.must(0, args("dead")...)
		contains(t, squeeze(res.out), "took lease runback in namespace dead over from run r-")
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("took %s", took)
		}
		// The dead one may not go on: its target is not as it left it, and if it
		// holds the lock again it asks the world before it acts.
		if code := p.run("resume", "last").code; code != 0 && code != 4 {
			t.Errorf("resume of the one that died: %d", code)
		}
	})

	t.Run("a frozen holder on this machine lives", func(t *testing.T) {
		t.Parallel()
		seed(t, env, "canary", "frozen")
		cmd := newProgram(t, env).command(append(args("frozen"), "-o", "json")...)
		interruptAfter(t, cmd, "run.started", syscall.SIGSTOP, func() {
			res := newProgram(t, env).must(6, args("frozen")...)
			contains(t, squeeze(res.err), "that process is running")
			if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		})
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the frozen run ended with %d", code)
		}
	})

	elsewhere := func(ns string, seconds int32) *coordination.Lease {
		return &coordination.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: "runback", Namespace: ns, Annotations: map[string]string{
				"runback.dev/holder": `{"run":"r-far","playbook":"canary","user":"ada","process":{"host":"far","pid":7,"start":"1","boot":"b"}}`}},
			Spec: coordination.LeaseSpec{HolderIdentity: new("r-far/far/7/1"), LeaseDurationSeconds: &seconds, LeaseTransitions: new(int32(4))},
		}
	}
	t.Run("a silent holder elsewhere is waited for, then followed", func(t *testing.T) {
		t.Parallel()
		seed(t, env, "canary", "silent")
		put(t, leases("silent"), elsewhere("silent", 3))
		begin := time.Now()
		res := newProgram(t, env).must(0, args("silent")...)
		contains(t, squeeze(res.out), "it was not renewed for 3s")
		if took := time.Since(begin); took < 3*time.Second {
			t.Errorf("followed after %s", took)
		}
		got, err := leases("silent").Get(context.Background(), "runback", metav1.GetOptions{})
		if err != nil || *got.Spec.LeaseTransitions != 5 {
			t.Errorf("epoch %v, %v", got.Spec.LeaseTransitions, err)
		}
	})

	t.Run("a living holder elsewhere is never followed", func(t *testing.T) {
		t.Parallel()
		seed(t, env, "canary", "living")
		lease := put(t, leases("living"), elsewhere("living", 3))
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				now := metav1.NowMicro()
				lease.Spec.RenewTime = &now
				if got, err := leases("living").Update(ctx, lease, metav1.UpdateOptions{}); err == nil {
					lease = got
				}
				time.Sleep(time.Second)
			}
		})
		res := newProgram(t, env).must(6, args("living")...)
		stop()
		wg.Wait()
		contains(t, squeeze(res.err), "held by run r-far of canary (ada, process 7 on far): it was renewed a moment ago")
	})

	t.Run("a holder that cannot be understood is never followed", func(t *testing.T) {
		t.Parallel()
		seed(t, env, "canary", "poison")
		lease := elsewhere("poison", 1)
		lease.Annotations = nil
		before := put(t, leases("poison"), lease)
		res := newProgram(t, env).must(6, args("poison")...)
		contains(t, squeeze(res.err), "its holder cannot be understood")
		after, err := leases("poison").Get(context.Background(), "runback", metav1.GetOptions{})
		if err != nil || after.ResourceVersion != before.ResourceVersion {
			t.Errorf("it was touched: %v", err)
		}
	})

	t.Run("a run that loses its lock stops", func(t *testing.T) {
		t.Parallel()
		seed(t, env, "canary", "lost")
		cmd := newProgram(t, env).command(append(args("lost"), "-o", "json")...)
		var errs strings.Builder
		cmd.Stderr = &errs
		interruptAfter(t, cmd, `"step.acted","path":"capacity"`, syscall.SIGSTOP, func() {
			held, err := leases("lost").Get(context.Background(), "runback", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			taken := elsewhere("lost", 15)
			taken.ResourceVersion = held.ResourceVersion
			taken.Spec.LeaseTransitions = new(*held.Spec.LeaseTransitions + 1)
			if _, err := leases("lost").Update(context.Background(), taken, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		})
		if code := cmd.ProcessState.ExitCode(); code != 6 {
			t.Errorf("exit code %d\n%s", code, errs.String())
		}
		if writes := w.writes("lost"); len(writes) != 1 {
			t.Errorf("it went on to write: %+v", writes)
		}
		if got, err := leases("lost").Get(context.Background(), "runback", metav1.GetOptions{}); err != nil || *got.Spec.HolderIdentity != "r-far/far/7/1" {
			t.Errorf("it released the lock of another: %v", err)
		}
	})
}

func put(t *testing.T, c client.LeaseInterface, l *coordination.Lease) *coordination.Lease {
	t.Helper()
	got, err := c.Create(context.Background(), l, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
