package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// shell runs a script with the program on its path and gives exit code and output.
func (p *place) shell(script string) (int, string) {
	p.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func (p *place) without(names ...string) {
	p.env = slices.DeleteFunc(p.env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(names, name)
	})
}

const runSlow = "runback run ./slow.yaml --yes --reason test"

// TestC4StrangeSurroundings: none of them keeps a run from its end.
func TestC4StrangeSurroundings(t *testing.T) {
	for name, tc := range map[string]struct {
		without []string
		env     []string
	}{
		"HOME unset, a store named": {[]string{"HOME"}, nil},
		"TMPDIR missing":            {nil, []string{"TMPDIR=/no/such/folder"}},
		"TZ garbage":                {nil, []string{"TZ=Not/A/Zone"}},
		"LANG=C":                    {nil, []string{"LANG=C", "LC_ALL=C"}},
		"TERM=dumb":                 {nil, []string{"TERM=dumb"}},
		"TERM unset":                {[]string{"TERM"}, nil},
		"CI":                        {nil, []string{"CI=true"}},
		"nothing but a path":        {[]string{"TERM", "LANG", "HOME"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.without(tc.without...)
			p.env = append(p.env, tc.env...)
			p.write("go", "")
			code, out := p.shell(runSlow)
			if code != 0 || strings.Contains(out, "panic") || strings.Contains(out, "\x1b") {
				t.Errorf("exit code %d\n%q", code, out)
			}
			want(t, out, "✔ succeeded run r-")
			p.wantLedger("xy")
		})
	}
}

// TestNoPlaceForAJournal: without a journal nothing runs, and it is said what
// to do.
func TestNoPlaceForAJournal(t *testing.T) {
	for name, tc := range map[string]struct {
		without []string
		env     string
		says    string
	}{
		"HOME unset":         {[]string{"HOME", "XDG_STATE_HOME"}, "", "neither XDG_STATE_HOME nor HOME is set"},
		"HOME is read-only":  {[]string{"HOME", "XDG_STATE_HOME"}, "HOME=/proc", "/proc/.local"},
		"a file is in place": {[]string{"XDG_STATE_HOME"}, "XDG_STATE_HOME=/dev/null", "/dev/null"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.without(tc.without...)
			p.env = append(p.env, tc.env)
			p.write("go", "")
			code, out := p.shell(runSlow)
			if code != 8 {
				t.Errorf("exit code %d", code)
			}
			want(t, out, tc.says, "hint: ", "XDG_STATE_HOME")
			if _, err := os.Stat(filepath.Join(p.dir, "ledger")); err == nil {
				t.Error("a step was run without a journal")
			}
		})
	}
}

// TestFullDisk: a journal that cannot grow ends the run before the effect that
// it cannot record, with exit code 8; with room again it goes on, nothing twice.
func TestFullDisk(t *testing.T) {
	p := newPlace(t)
	p.write("go", "")
	failed := 0
	for blocks := 8; blocks <= 512; blocks *= 2 { // of 512 bytes, as POSIX counts them for ulimit -f
		code, out := p.shell("ulimit -f " + strconv.Itoa(blocks) + "; " + runSlow)
		if code == 0 {
			break
		}
		failed++
		if code != 8 || strings.Contains(out, "panic") {
			t.Errorf("%d blocks: exit code %d\n%s", blocks, code, out)
		}
		want(t, out, "error: ", "hint: ")
	}
	if failed == 0 {
		t.Fatal("the limit was never met")
	}
	if code, out := p.tell("verify"); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestC11Limits: a machine that gives too little gets a clear answer before
// anything is done.
func TestC11Limits(t *testing.T) {
	for name, tc := range map[string]struct {
		limit string
		code  int
		says  []string
	}{
		"16 open files":    {"ulimit -n 16", 3, []string{"may open 16 files only", "hint: raise the limit: ulimit -n"}},
		"no file may grow": {"ulimit -f 1", 8, []string{"error: ", "hint: "}},
		// The runtime of Go needs address space for itself and ends before the
		// first line of ours, with its own exit code.
		"little memory": {"ulimit -v 600000", 2, []string{"memory"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.write("go", "")
			code, out := p.shell(tc.limit + "; " + runSlow)
			if code != tc.code {
				t.Errorf("exit code %d, want %d\n%s", code, tc.code, out)
			}
			want(t, out, tc.says...)
			if _, err := os.Stat(filepath.Join(p.dir, "ledger")); err == nil {
				t.Error("a step was run")
			}
		})
	}
}

// TestC10AClockThatIsWrong: a run whose events lie in the future, because the
// clock of the machine was set back since, is listed, proved and goes on; it
// gets no time back. (What a clock does within a process is tested in executor:
// a static Go program cannot be given another clock from outside.)
func TestC10AClockThatIsWrong(t *testing.T) {
	p := newPlace(t)
	p.write("go", "")
	p.env = append(p.env, "TZ=Pacific/Kiritimati")
	if code, out := p.shell(runSlow); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	p.env = append(p.env, "TZ=Etc/GMT+12") // a day and two hours earlier on the wall
	for _, args := range [][]string{{"verify"}, {"runs"}, {"status", "last"}} {
		if code, out := p.tell(args...); code != 0 || strings.Contains(out, "-1d") {
			t.Errorf("%v: exit code %d: %s", args, code, out)
		}
	}
}
