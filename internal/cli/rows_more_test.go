package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestE7WhatCannotBeComputed stops the run, before it does anything, and names
// the expression and the step.
func TestE7WhatCannotBeComputed(t *testing.T) {
	for name, when := range map[string]string{
		"division by zero":      "1 % inputs.zero == 0",
		"an index too high":     `split(steps.a.outputs.stdout, ",")[99999] == ""`,
		"a duration that is no": `duration(steps.a.outputs.stdout) > duration("1s")`,
		"no number":             `int(steps.a.outputs.stdout) > 0`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.write("data", "1x")
			p.write("p.yaml", head+"  inputs: {zero: {type: int, default: 0}}\n  steps:\n    - {id: a, uses: command.look, with: {args: [/bin/cat, data]}}\n"+
				"    - {id: b, when: '"+when+"', uses: command.run, with: {args: [/bin/sh, -c, echo x >> ledger]}}\n")
			code, out := p.tell("run", "./p.yaml", "--yes", "--reason", "test")
			if code != 3 && code != 65 {
				t.Errorf("exit code %d", code)
			}
			told := strings.Join(strings.Fields(out), " ")
			want(t, told, strings.Fields(when)[0])
			if code == 3 {
				want(t, told, "nothing was changed")
			}
			if _, err := os.Stat(filepath.Join(p.dir, "ledger")); err == nil {
				t.Error("the step was run")
			}
		})
	}
}

// TestE8PatternsTakeLinearTime: a backtracking engine would take for ever.
func TestE8PatternsTakeLinearTime(t *testing.T) {
	p := newPlace(t)
	p.write("data", strings.Repeat("a", 64<<10)+"!")
	p.write("p.yaml", guarded(`'steps.a.outputs.stdout matches "^(a+)+$"'`))
	began := time.Now()
	if code, out := p.tell("run", "./p.yaml", "--yes", "--reason", "test"); code != 0 || time.Since(began) > 20*time.Second {
		t.Errorf("exit code %d after %s: %s", code, time.Since(began), out)
	}
}

// TestE11DataIsNeverEvaluated: what looks like an expression and comes from
// outside stays what it is.
func TestE11DataIsNeverEvaluated(t *testing.T) {
	const evil = "${{ 6 * 7 }} $(id) `id`"
	p := newPlace(t)
	p.write("data", evil)
	p.write("p.yaml", head+"  inputs: {x: {type: string}}\n  steps:\n    - {id: a, uses: command.look, with: {args: [/bin/cat, data]}}\n"+
		"    - {id: b, uses: command.run, with: {args: [/bin/sh, -c, 'printf \"%s|%s\" \"$0\" \"$1\" > ledger', '${{ steps.a.outputs.stdout }}', '${{ inputs.x }}']}}\n")
	if code, out := p.tell("run", "./p.yaml", "--yes", "--reason", "test", "--set", "x="+evil); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	got, err := os.ReadFile(filepath.Join(p.dir, "ledger"))
	if err != nil || string(got) != evil+"|"+evil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestE13AResumeGivesTheSameAnswer: what a guard decided is recorded, and not
// decided again by a later clock.
func TestE13AResumeGivesTheSameAnswer(t *testing.T) {
	p := newPlace(t)
	p.write("p.yaml", head+"  steps:\n    - {id: early, uses: command.run, when: 'run.elapsed > duration(\"1s\")', with: {args: [/bin/sh, -c, echo x >> ledger]}}\n"+
		"    - {id: slow, uses: command.run, with: {args: [/bin/sh, -c, 'echo y >> ledger; until [ -e go ] || [ ! -e $PWD ]; do sleep 0.05; done']}}\n")
	cmd := p.command("run", "./p.yaml", "--yes", "--reason", "test")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.begun()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	time.Sleep(time.Second) // the guard would be true now
	p.write("go", "")
	if code, out := p.tell("resume", "last"); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	p.wantLedger("y")
}

func TestC1MistakesOnTheCommandLine(t *testing.T) {
	p := newPlace(t)
	for args, says := range map[string]string{
		"rnu":                         `did you mean "run"`,
		"plan canary --bogus":         "unknown flag: --bogus",
		"plan -- --bogus":             `no playbook "--bogus"`,
		"plan canary --detailed":      "unknown flag: --detailed",
		"approve plan.json --for=":    "invalid argument",
		"run canary --dry-run=":       "unknown dry run",
		"run a b":                     "accepts at most 1 arg",
		"status":                      "accepts 1 arg",
		"list -o":                     "flag needs an argument",
		"list -o json -o xml":         "unknown output format xml",
		"run canary --yes=maybe":      "invalid argument",
		"runs extra":                  "unknown command",
		"resume last --redo a --skip": "flag needs an argument",
	} {
		code, out := p.tell(strings.Fields(args)...)
		if code != 64 && (code != 65 || !strings.Contains(says, "no playbook")) {
			t.Errorf("%s: exit code %d", args, code)
		}
		want(t, out, says, "hint: ")
	}
}

func TestC2ValuesAreLiteral(t *testing.T) {
	p := newPlace(t)
	p.write("p.yaml", head+"  inputs: {x: {type: string}}\n  steps:\n    - {id: b, uses: command.run, with: {args: [/bin/sh, -c, 'printf %s \"$0\" > ledger', '${{ inputs.x }}']}}\n")
	for name, value := range map[string]string{
		"a file name": "@/etc/passwd", "a flag": "-x", "two flags": "--yes", "lines": "a\nb\r\n", "equals": "a=b=c", "empty": "", "large": strings.Repeat("x", 100_000), "a template": "${{ run.id }}",
	} {
		t.Run(name, func(t *testing.T) {
			if code, out := p.tell("run", "./p.yaml", "--yes", "--reason", "test", "--quiet", "--set", "x="+value); code != 0 {
				t.Fatalf("exit code %d: %.500s", code, out)
			}
			if got, err := os.ReadFile(filepath.Join(p.dir, "ledger")); string(got) != value || err != nil {
				t.Errorf("%.100q, %v", got, err)
			}
		})
	}
	for _, sets := range [][]string{{"--set", "x"}, {"--set", "=x"}, {"--set", "x=1", "--set", "x=2"}} {
		if code, out := p.tell(append([]string{"run", "./p.yaml", "--yes", "--reason", "test"}, sets...)...); code != 64 {
			t.Errorf("%v: exit code %d: %s", sets, code, out)
		}
	}
}

func TestC7ResumeOfWhatCannotBeResumed(t *testing.T) {
	p := newPlace(t)
	if code, out := p.tell("resume", "r-nothing"); code != 64 {
		t.Errorf("an unknown run: exit code %d: %s", code, out)
	}
	cmd := p.command("run", "./slow.yaml", "--yes", "--reason", "test")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.begun()
	if code, out := p.tell("resume", "last"); code != 6 || !strings.Contains(out, fmt.Sprintf("is being run by process %d", cmd.Process.Pid)) {
		t.Errorf("a running one: exit code %d: %s", code, out)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	// Two at once: one goes on, the other is told so or finds it done.
	one, two := p.command("resume", "last"), p.command("resume", "last")
	for _, c := range []*exec.Cmd{one, two} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	p.write("go", "")
	_ = one.Wait()
	_ = two.Wait()
	a, b := one.ProcessState.ExitCode(), two.ProcessState.ExitCode()
	if min(a, b) != 0 || max(a, b) != 6 && max(a, b) != 3 && max(a, b) != 0 {
		t.Errorf("exit codes %d and %d", a, b)
	}
	p.wantLedger("xy")
	if code, out := p.tell("resume", "last"); code != 3 || !strings.Contains(out, "is over: succeeded") {
		t.Errorf("a finished one: exit code %d: %s", code, out)
	}
}

func TestC8NobodyToAsk(t *testing.T) {
	p := newPlace(t)
	cmd := p.command("run", "./slow.yaml", "--reason", "test")
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 64 {
		t.Errorf("exit code %d", code)
	}
	want(t, string(out), "nobody can be asked to confirm", "hint: add --yes")
}
