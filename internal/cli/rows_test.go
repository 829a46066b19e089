package cli_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// head begins a playbook; what follows it stands in spec.
const head = "apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: p, version: 1.0.0}\nspec:\n  budget: 1m\n"

func oneStep(fields string) string {
	return head + "  steps:\n    - {id: a, uses: time.sleep, with: {for: 1ms}" + fields + "}\n"
}

func guarded(when string) string {
	return head + "  steps:\n    - {id: a, uses: command.look, with: {args: [/bin/cat, data]}}\n    - id: b\n      uses: time.sleep\n      with: {for: 1ms}\n      when: " + when + "\n"
}

func inputOf(text string) string {
	return head + "  inputs:\n    x: {type: string, default: " + text + "}\n  steps: [{id: a, uses: time.sleep, with: {for: 1ms}}]\n"
}

// bad is a document that is refused: where and why.
type bad struct {
	row, name, text string
	says            []string
	atOnce          bool // in 100 ms and 64 MiB
}

// badDocuments are the rows of the list of bad inputs. Exit code 65 is ours for
// what the list gives 3.
func badDocuments() []bad {
	rep := strings.Repeat
	return []bad{
		{"Y1", "empty", "", []string{"p.yaml:1:1: the file is empty"}, true},
		{"Y1", "only comments", "# nothing\n# here\n", []string{"p.yaml:1:1: the file is empty"}, true},
		{"Y1", "only a separator", "---\n", []string{"p.yaml:1:1: the file is empty"}, true},
		{"Y2", "two documents", oneStep("") + "---\n" + oneStep(""), []string{"p.yaml:8:1:", "second document"}, true},
		{"Y4", "the same id", head + "  steps:\n    - {id: a, uses: time.sleep, with: {for: 1s}}\n    - {id: a, uses: time.sleep, with: {for: 1s}}\n", []string{"p.yaml:8:", `"a"`, "7"}, false},
		{"Y4", "ids that differ by case", head + "  steps:\n    - {id: a, uses: time.sleep, with: {for: 1s}}\n    - {id: A, uses: time.sleep, with: {for: 1s}}\n", []string{"p.yaml:8:", `"A"`}, false},
		{"Y4", "ids that differ by composition", head + "  steps:\n    - {id: caf\u00e9, uses: time.sleep, with: {for: 1s}}\n    - {id: cafe\u0301, uses: time.sleep, with: {for: 1s}}\n", []string{"p.yaml:7:", "p.yaml:8:"}, false},
		{"Y5", "an unknown field", oneStep(", retrys: {attempts: 3}"), []string{"p.yaml:7:", `unknown field "retrys"`, `did you mean "retry"`}, false},
		{"Y7", "UTF-16", "\xff\xfea\x00p\x00i\x00", []string{"p.yaml:1:1: this is not UTF-8 text"}, true},
		{"Y7", "a NUL byte", head + "  \x00", []string{"p.yaml:6:3: the character U+0000"}, true},
		{"Y7", "invalid UTF-8", oneStep(", name: \"a\xc3\x28\""), []string{"p.yaml:7:", "not UTF-8"}, true},
		{"Y7", "a line separator", oneStep(", name: \"a\u2028b\""), []string{"p.yaml:7:", "U+2028"}, true},
		{"Y7", "an override of direction", oneStep(", name: \"a\u202eb\""), []string{"p.yaml:7:", "U+202E"}, true},
		{"Y8", "200 000 brackets", rep("[", 200_000), []string{"p.yaml:1:"}, true},
		{"Y10", "an alias of itself", "a: &a [*a]\n", []string{"p.yaml:1:"}, true},
		{"Y10", "an unknown alias", "a: *nope\n", []string{"p.yaml:1:", "nope"}, true},
		{"Y10", "a merge key", oneStep("") + "  <<: {budget: 1s}\n", []string{"p.yaml:8:"}, false},
		{"Y11", "50 MB", rep("a", 50<<20), []string{"more than the limit of 262144"}, true},
		{"Y11", "a million steps", head + "  steps:\n" + rep("    - {}\n", 1_000_000), []string{"more than the limit of"}, true},
		{"Y11", "one scalar of 10 MB", "a: \"" + rep("x", 10<<20) + "\"", []string{"more than the limit of"}, true},
		{"Y13", "attempts: yes", oneStep(", retry: {attempts: yes}"), []string{"p.yaml:7:"}, false},
		{"Y13", "attempts: 0x10", oneStep(", retry: {attempts: 0x10}"), []string{"p.yaml:7:"}, false},
		{"Y13", "attempts: 0o17", oneStep(", retry: {attempts: 0o17}"), []string{"p.yaml:7:"}, false},
		{"Y13", "attempts: 1_000", oneStep(", retry: {attempts: 1_000}"), []string{"p.yaml:7:"}, false},
		// There are no needs: the order is that of the file, and a step that
		// refers to itself or to a later one is what a cycle would be.
		{"Y16", "needs", oneStep(", needs: [a]"), []string{"p.yaml:7:", `unknown field "needs"`}, false},
		{"Y16", "a reference to itself", oneStep(", when: steps.a.outputs.x > 1"), []string{"p.yaml:7:"}, false},
		{"Y16", "a reference to a later step", head + "  steps:\n    - {id: a, uses: time.sleep, with: {for: 1s}, when: 'steps.b.status == \"\"'}\n    - {id: b, uses: time.sleep, with: {for: 1s}}\n", []string{"p.yaml:7:", `step "b" runs later`}, false},
		{"Y16", "a reference to no step", oneStep(", when: 'steps.nope.status == \"\"'"), []string{"p.yaml:7:", "nope"}, false},
		{"Y17", "an unknown action", head + "  steps: [{id: a, uses: time.slep}]\n", []string{"p.yaml:6:", `did you mean "time.sleep"`}, false},
		{"Y17", "no action", head + "  steps: [{id: a}]\n", []string{"p.yaml:6:", "does nothing"}, false},
		{"Y17", "two actions", head + "  steps: [{id: a, uses: time.sleep, uses: k8s.scale}]\n", []string{"p.yaml:6:", `"uses" was written already`}, false},
		// There is no include: a file that is run is one file.
		{"Y20", "include", oneStep("") + "  include: p.yaml\n", []string{"p.yaml:8:", `unknown field "include"`}, false},
		{"Y22", "a Python object", oneStep(", name: !!python/object x"), []string{"p.yaml:7:"}, true},
		{"Y22", "binary", oneStep(", name: !!binary x"), []string{"p.yaml:7:"}, true},
		{"Y22", "a Ruby object", oneStep(", name: !ruby/object x"), []string{"p.yaml:7:"}, true},
		{"E1", "an undefined name", guarded("steps.deploy.exitcode == 0"), []string{"p.yaml:11:19:", "deploy"}, false},
		{"E2", "text for a condition", guarded(`'"true"'`), []string{"p.yaml:11:"}, false},
		{"E2", "a number for a condition", guarded("'1'"), []string{"p.yaml:11:"}, false},
		{"E2", "nil for a condition", guarded("nil"), []string{"p.yaml:11:"}, false},
		{"E4", "500 000 parentheses", guarded(rep("(", 500_000)), []string{"more than the limit of"}, true},
		{"E4", "a million negations", guarded(`"` + rep("!", 1_000_000) + `true"`), []string{"more than the limit of"}, true},
		{"E4", "6 000 terms", guarded("1" + rep("+1", 6000) + " > 0"), []string{"p.yaml:11:", "4096"}, true},
		{"E4", "one megabyte", guarded(`'"` + rep("a", 1<<20) + `" == ""'`), []string{"more than the limit of"}, true},
		{"E4", "65 parentheses", guarded(`"` + rep("(", 65) + "true" + rep(")", 65) + `"`), []string{"p.yaml:11:"}, true},
		{"E5", "predicates in predicates", guarded("all([1], all([2], all([3], true)))"), []string{"p.yaml:11:", "cannot hold another one"}, true},
		{"E7", "a pattern that is none", guarded(`'steps.a.outputs.stdout matches "("'`), []string{"p.yaml:11:"}, false},
		{"E8", "10 000 alternatives", guarded(`'"x" matches "` + rep("a|", 10_000) + `a"'`), []string{"p.yaml:11:", "4096"}, true},
		{"E10", "a mistake on the third line of a block", guarded("|\n        true &&\n        true &&\n        steps.a.outputs.redy > 1"), []string{"p.yaml:14:", "redy"}, false},
		// No expression has a clock, so none gives another answer in a resume.
		{"E13", "a clock", guarded("now() > date(0)"), []string{"p.yaml:11:"}, false},
	}
}

// used is what a child used.
type used struct {
	Code   int
	Out    string `json:"-"`
	CPU    time.Duration
	Memory int64 // KiB, at most at once
}

func (p *place) measure(args ...string) used {
	p.t.Helper()
	file := filepath.Join(p.dir, "used.json")
	cmd := exec.Command("measured", append([]string{file, measuredProgram()}, args...)...)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	raw, rerr := os.ReadFile(file)
	if rerr != nil {
		p.t.Fatal(err, rerr)
	}
	u := used{Out: string(out)}
	if err := json.Unmarshal(raw, &u); err != nil {
		p.t.Fatal(err)
	}
	return u
}

// measuredProgram is the program as it is built where make test says so: this
// test as a program is slower and larger, with the race detector above all.
func measuredProgram() string { return cmp.Or(os.Getenv("RUNBACK_TEST_BIN"), "runback") }

// measured runs a program and writes what it used. It stands between because
// Linux counts to a child the memory that its parent has when it forks.
func measured() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	_ = cmd.Run() // how it ended is in its state
	u := used{Code: cmd.ProcessState.ExitCode(), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.Memory = ru.Maxrss
	}
	raw, err := json.Marshal(u)
	if err == nil {
		err = os.WriteFile(os.Args[1], raw, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

// TestBadDocuments refuses every document of the list with its place and the
// reason. What is made to cost much costs no more than a good playbook and
// 100 ms of one processor (time on the wall is the machine's), in 64 MiB; where a
// good one takes more than that, as with the race detector, in 8 MiB more.
func TestBadDocuments(t *testing.T) {
	p := newPlace(t)
	p.write("good.yaml", oneStep(""))
	good := p.measure("validate", "good.yaml")
	if good.Code != 0 {
		t.Fatalf("%d: %s", good.Code, good.Out)
	}
	for _, tc := range badDocuments() {
		t.Run(tc.row+" "+tc.name, func(t *testing.T) {
			p.write("p.yaml", tc.text)
			u := p.measure("validate", "p.yaml")
			good := good
			for try := 0; tc.atOnce && try < 8 && u.CPU > good.CPU+100*time.Millisecond; try++ {
				// A busy machine makes processor time longer too: both are measured again.
				good, u = p.measure("validate", "good.yaml"), p.measure("validate", "p.yaml")
			}
			if u.Code != 65 || len(u.Out) > 8192 {
				t.Errorf("exit code %d, %d bytes", u.Code, len(u.Out))
			}
			if len(u.Out) < 8192 {
				want(t, u.Out, tc.says...)
			}
			if tc.atOnce && (u.CPU > good.CPU+100*time.Millisecond || u.Memory > max(64<<10, good.Memory+(8<<10))) {
				t.Errorf("%s of processor time (a good one takes %s), %d MiB", u.CPU, good.CPU, u.Memory>>10)
			}
			if _, err := os.Stat(filepath.Join(p.dir, "state")); err == nil {
				t.Error("something was recorded")
			}
		})
	}
}

// TestGoodDocuments accepts what is unusual and meant.
func TestGoodDocuments(t *testing.T) {
	for name, text := range map[string]string{
		"Y7 byte order mark": "\ufeff" + oneStep(""),
		"Y7 CRLF":            strings.ReplaceAll(oneStep(""), "\n", "\r\n"),
		"Y7 other scripts":   oneStep(", name: 日本語 ✔"),
		"Y13 attempts: 3.0":  oneStep(", retry: {attempts: 3.0}"), // the same number in every reading
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.write("p.yaml", text)
			if code, out := p.tell("validate", "p.yaml"); code != 0 {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
}

// TestY14TextStaysAsItIsWritten: what can be read as text only stays as it is
// written. What YAML would take for a number is not taken for text: it is
// refused with the hint to quote it, because no reader sees which one is meant.
func TestY14TextStaysAsItIsWritten(t *testing.T) {
	p := newPlace(t)
	for _, text := range []string{"no", "2026-11-23", "~x", "1.4.3", `"1.10"`, `"0123"`, `"1e5"`, "'null'"} {
		p.write("p.yaml", inputOf(text))
		code, out := p.tell("show", "./p.yaml", "-o", "json")
		if code != 0 {
			t.Errorf("%s: exit code %d: %s", text, code, out)
			continue
		}
		want(t, out, `"default": "`+strings.Trim(text, `'"`)+`"`)
	}
	for _, text := range []string{"1.10", "0123", "1e5", "0x1F", "+1", "1_000"} {
		p.write("p.yaml", inputOf(text))
		if code, out := p.tell("validate", "p.yaml"); code != 65 || !strings.Contains(out, "p.yaml:7:32:") || !strings.Contains(out, "in quotes if it is text") {
			t.Errorf("%s: exit code %d: %s", text, code, out)
		}
	}
}

// TestY19AnEffectIsNotRetried: retry is allowed on every step, because it is for
// attempts that are known to have done nothing; one that began is not repeated.
func TestY19AnEffectIsNotRetried(t *testing.T) {
	p := newPlace(t)
	p.write("p.yaml", head+"  steps: [{id: a, uses: command.run, with: {args: [/bin/sh, -c, echo x >> ledger; exit 1]}, retry: {attempts: 3, delay: 1ms}}]\n")
	if code, out := p.tell("run", "./p.yaml", "--yes", "--reason", "test"); code != 1 {
		t.Errorf("exit code %d: %s", code, out)
	}
	p.wantLedger("x")
}

// TestY20Y23WhatIsNoFile is refused, and never waited for.
func TestY20Y23WhatIsNoFile(t *testing.T) {
	p := newPlace(t)
	if err := syscall.Mkfifo(filepath.Join(p.dir, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(p.dir, "zero.yaml")); err != nil {
		t.Fatal(err)
	}
	for arg, why := range map[string]string{
		"pipe.yaml": "is no file", "zero.yaml": "is no file", "/dev/zero": "is no file", "/dev/stdin": "is no file", "./": "is a folder",
		"missing.yaml": "no such file", "slow.yaml/x.yaml": "not a directory", "-": `no playbook "-"`, "https://example.com/p.yaml": "no such file",
	} {
		t.Run(strings.ReplaceAll(arg, "/", "_"), func(t *testing.T) {
			began := time.Now()
			if code, out := p.tell("validate", "--", arg); code != 65 || !strings.Contains(out, why) || time.Since(began) > 5*time.Second {
				t.Errorf("exit code %d after %s: %s", code, time.Since(began), out)
			}
		})
	}
}
