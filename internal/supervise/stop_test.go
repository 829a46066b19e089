package supervise_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/supervise"
)

// begun starts a script that says when it is ready.
func begun(t *testing.T, beside string, spec supervise.Spec) *supervise.Child {
	t.Helper()
	c := start(t, spec)
	until(t, "the script", func() bool { return exists(beside + "/begun") })
	return c
}

func TestStop(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		code   int
		signal string
	}{
		"heeds SIGINT":   {`trap 'exit 3' INT; : > begun; while [ -e $PWD ]; do sleep 0.02; done`, 3, ""},
		"heeds SIGTERM":  {`trap '' INT; trap 'exit 4' TERM; : > begun; while [ -e $PWD ]; do sleep 0.02; done`, 4, ""},
		"heeds nothing":  {`trap '' INT TERM; : > begun; while [ -e $PWD ]; do sleep 0.02; done`, -1, "killed"},
		"the group too":  {`trap 'exit 5' INT; (trap '' INT TERM; : > begun; while [ -e $PWD ]; do sleep 0.02; done) & wait`, 5, ""},
		"ends well then": {`trap 'exit 0' INT; : > begun; while [ -e $PWD ]; do sleep 0.02; done`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, beside := child(t)
			spec := shell(dir, tc.script)
			c := begun(t, beside, spec)
			// The one who stops need not be the one who started.
			st, o, err := supervise.Attach(dir).Stop(t.Context(), spec.Limits, eyes())
			if err != nil || st != supervise.Exited || o.Code != tc.code || o.Signal != tc.signal || o.Stopped != "asked to" || o.Left {
				t.Errorf("%s %+v %v", st, o, err)
			}
			over(t, c)
			if st, _, err := c.Stop(t.Context(), spec.Limits, eyes()); err != nil || st != supervise.Exited {
				t.Errorf("stopped again: %s %v", st, err)
			}
		})
	}
}

func TestDeadlineHoldsWithoutExecutor(t *testing.T) {
	dir, beside := child(t)
	spec := shell(dir, ": > begun; while [ -e $PWD ]; do sleep 0.02; done")
	spec.Deadline = time.Now().Add(3 * time.Second)
	c := begun(t, beside, spec)
	if st, o := over(t, c); st != supervise.Exited || o.Signal != "interrupt" || o.Stopped == "" || o.Ended.Before(spec.Deadline) {
		t.Errorf("%s %+v", st, o)
	}
}

// What everybody in the session is sent does not end the supervisor.
func TestSupervisorOutlivesSignals(t *testing.T) {
	dir, beside := child(t)
	c := begun(t, beside, shell(dir, ": > begun; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done; exit 6"))
	for _, pid := range supervisorsOf(t, dir) {
		for _, s := range []string{"INT", "TERM", "HUP", "QUIT"} {
			if out, err := exec.Command("sh", "-c", "kill -"+s+" $0", itoa(pid)).CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
		}
	}
	time.Sleep(50 * time.Millisecond)
	if err := os.WriteFile(filepath.Join(beside, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if st, o := over(t, c); st != supervise.Exited || o.Code != 6 {
		t.Errorf("%s %+v", st, o)
	}
}

// A tied child ends with the one who started it.
func TestTied(t *testing.T) {
	dir, beside := child(t)
	cmd := exec.Command(os.Args[0], tiedArg, dir, ": > begun; while [ -e $PWD ]; do sleep 0.02; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the script", func() bool { return exists(beside + "/begun") })
	time.Sleep(100 * time.Millisecond)
	if st, _, err := supervise.Attach(dir).Look(); err != nil || st != supervise.Running {
		t.Fatalf("%s %v", st, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if st, o := settle(t, dir); st != supervise.Exited || o.Signal != "interrupt" {
		t.Errorf("%s %+v", st, o)
	}
}

// A look that nobody waits for any more leaves nothing behind.
func TestForgotten(t *testing.T) {
	dir, beside := child(t)
	cmd := exec.Command(os.Args[0], forgetArg, dir, "trap 'echo given back > '"+beside+"/lock'; exit 0' INT; : > begun; while [ -e $PWD ]; do sleep 0.02; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the script", func() bool { return exists(beside + "/begun") })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	until(t, "the end of its directory", func() bool { return !exists(dir) })
	if !exists(beside + "/lock") {
		t.Error("it was not ended gently")
	}
}
