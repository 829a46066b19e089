package supervise_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/process"
	"github.com/runbackhq/runback/internal/supervise"
)

// points is how many moments of a start are tried. RUNBACK_SUPERVISE_POINTS
// tries more.
func points() int {
	if n, err := strconv.Atoi(os.Getenv("RUNBACK_SUPERVISE_POINTS")); err == nil {
		return n
	}
	return 24
}

// span is the time that a start takes here, with room behind it.
func span(t *testing.T) time.Duration {
	t.Helper()
	dir, _ := child(t)
	began := time.Now()
	c := start(t, shell(dir, "exit 0"))
	took := time.Since(began)
	over(t, c)
	return took * 3 / 2
}

// settle waits until nobody starts or runs anything any more, and tells what
// is known then.
func settle(t *testing.T, dir string) (supervise.State, supervise.Outcome) {
	t.Helper()
	return over(t, supervise.Attach(dir))
}

// TestKilledExecutor kills the executor at many moments. Whatever the moment,
// a later executor finds it not started, and starts it once; or finds it, and
// learns its exit code.
func TestKilledExecutor(t *testing.T) {
	whole, n := span(t), points()
	seen := map[supervise.State]int{}
	for i := range n {
		dir, beside := child(t)
		script := "echo x >> effect; sleep 0.05; echo y >> effect; exit 5"
		cmd := exec.Command(os.Args[0], executorArg, dir, script)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / time.Duration(n))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		st, o := settle(t, dir)
		seen[st]++
		effects := lines(t, beside+"/effect")
		switch st {
		case supervise.NotStarted:
			if effects != 0 {
				t.Fatalf("point %d: not started, with %d effects", i, effects)
			}
			st, o = over(t, start(t, shell(dir, script)))
		case supervise.Exited:
		default:
			t.Fatalf("point %d: %s", i, st)
		}
		if effects = lines(t, beside+"/effect"); st != supervise.Exited || o.Code != 5 || effects != 2 {
			t.Fatalf("point %d: %s %+v, %d effects", i, st, o, effects)
		}
	}
	t.Logf("%d points in %s: %v", n, whole, seen)
	if seen[supervise.NotStarted] == 0 || seen[supervise.Exited] == 0 {
		t.Errorf("the points are not spread over the start: %v", seen)
	}
}

// TestKilledSupervisor kills the supervisor at many moments, the executor with
// it. What is then said of the child is never better than the truth.
func TestKilledSupervisor(t *testing.T) {
	whole, n := span(t), points()
	seen := map[supervise.State]int{}
	for i := range n {
		dir, beside := child(t)
		script := "echo x >> effect; exec sleep 0.1"
		cmd := exec.Command(os.Args[0], executorArg, dir, script)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / time.Duration(n))
		for _, pid := range supervisorsOf(t, dir) {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		st, o := settle(t, dir)
		seen[st]++
		// A gate that was not released is told so by the death of its supervisor.
		until(t, "gates to go", func() bool { return len(processes(t, os.Args[0]+"\x00__supervise-gate\x00")) == 0 })
		effects := lines(t, beside+"/effect")
		ok := map[supervise.State]bool{
			supervise.NotStarted: effects == 0, supervise.Exited: effects == 1, supervise.Lost: effects <= 1,
		}[st]
		if !ok {
			t.Fatalf("point %d: %s %+v, %d effects", i, st, o, effects)
		}
		if st != supervise.NotStarted {
			if _, err := supervise.Start(t.Context(), shell(dir, script)); !errors.Is(err, supervise.ErrStarted) {
				t.Fatalf("point %d: %s, and started again: %v", i, st, err)
			}
			continue
		}
		if st, _ := over(t, start(t, shell(dir, script))); st != supervise.Exited || lines(t, beside+"/effect") != 1 {
			t.Fatalf("point %d: started anew: %s, %d effects", i, st, lines(t, beside+"/effect"))
		}
	}
	t.Logf("%d points in %s: %v", n, whole, seen)
	if seen[supervise.NotStarted] == 0 || seen[supervise.Lost] == 0 {
		t.Errorf("the points are not spread over the start: %v", seen)
	}
}

// supervisorsOf finds supervisors the way a person would: in the list of
// processes, whatever is recorded by now.
func supervisorsOf(t *testing.T, dir string) []int {
	t.Helper()
	return processes(t, os.Args[0]+"\x00__supervise\x00"+dir+"\x00")
}

// processes finds those with an argument list.
func processes(t *testing.T, want string) (pids []int) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if b, err := os.ReadFile(f); err == nil && string(b) == want {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// A child whose supervisor is gone is still known, can be stopped, and how it
// ended is not made up.
func TestChildWithoutSupervisor(t *testing.T) {
	for name, stop := range map[string]bool{"ends by itself": false, "is stopped": true} {
		t.Run(name, func(t *testing.T) {
			dir, beside := child(t)
			c := start(t, shell(dir, "echo x > begun; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done; exit 0"))
			until(t, "the script", func() bool { return exists(beside + "/begun") })
			for _, pid := range supervisorsOf(t, dir) {
				p, err := os.FindProcess(pid)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			until(t, "the supervisor to go", func() bool { return len(supervisorsOf(t, dir)) == 0 })
			other := supervise.Attach(dir)
			if st, _, err := other.Look(); err != nil || st != supervise.Running {
				t.Fatalf("%s %v", st, err)
			}
			if _, err := supervise.Start(t.Context(), shell(dir, "exit 0")); !errors.Is(err, supervise.ErrStarted) {
				t.Errorf("started again: %v", err)
			}
			if stop {
				spec := shell(dir, "")
				if st, _, err := other.Stop(t.Context(), spec.Limits, eyes()); err != nil || st != supervise.Lost {
					t.Errorf("%s %v", st, err)
				}
			} else if err := os.WriteFile(beside+"/go", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if st, _ := over(t, c); st != supervise.Lost {
				t.Errorf("%s", st)
			}
		})
	}
}

// What the records name is compared with who is there: a number that was used
// again, or before a reboot, is nobody.
func TestNumberUsedAgain(t *testing.T) {
	type record struct {
		Host  string `json:"host"`
		PID   int    `json:"pid"`
		Start string `json:"start"`
		Boot  string `json:"boot"`
		Sess  int    `json:"session"`
	}
	self := process.Self()
	mine := record{self.Host, self.PID, self.Start, self.Boot, 1}
	for name, tc := range map[string]struct {
		change   func(*record)
		released bool
		want     supervise.State
		fails    bool
	}{
		"the very process":            {func(*record) {}, true, supervise.Running, false},
		"a later process":             {func(r *record) { r.Start = "1" }, true, supervise.Lost, false},
		"a later process, unreleased": {func(r *record) { r.Start = "1" }, false, supervise.NotStarted, false},
		"an earlier boot":             {func(r *record) { r.Boot = "earlier" }, true, supervise.Lost, false},
		"another machine":             {func(r *record) { r.Host = "elsewhere" }, true, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := mine
			tc.change(&r)
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{"lock": nil, "child.json": b}
			if tc.released {
				files["released"] = nil
			}
			for name, b := range files {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			st, _, err := supervise.Attach(dir).Look()
			if st != tc.want || (err != nil) != tc.fails {
				t.Errorf("%s %v", st, err)
			}
		})
	}
}

// The record of the end cannot be written: nobody claims to know it.
func TestEndThatCannotBeRecorded(t *testing.T) {
	dir, beside := child(t)
	c := start(t, shell(dir, "while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done"))
	if err := os.Mkdir(filepath.Join(dir, "exit.json"), 0o700); err != nil { // no file can be renamed onto it
		t.Fatal(err)
	}
	if err := os.WriteFile(beside+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the supervisor to go", func() bool { return len(supervisorsOf(t, dir)) == 0 })
	if err := os.Remove(filepath.Join(dir, "exit.json")); err != nil {
		t.Fatal(err)
	}
	if st, _ := over(t, c); st != supervise.Lost {
		t.Errorf("%s", st)
	}
	b, err := os.ReadFile(filepath.Join(dir, "supervisor.log"))
	if err != nil || len(b) == 0 {
		t.Error(fmt.Errorf("the supervisor says nothing of it: %w", err))
	}
}
