package supervise_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/supervise"
)

func TestHowItEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		code   int
		signal string
	}{
		"well":      {"exit 0", 0, ""},
		"badly":     {"exit 7", 7, ""},
		"by signal": {"kill -SEGV $$", -1, "segmentation fault"},
		"killed":    {"kill -9 $$", -1, "killed"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := child(t)
			c := start(t, shell(dir, tc.script))
			st, o := over(t, c)
			if st != supervise.Exited || o.Code != tc.code || o.Signal != tc.signal || o.Ended.Before(o.Started) || o.Stopped != "" || o.Left {
				t.Errorf("%s %+v", st, o)
			}
			if st, o, err := supervise.Attach(dir).Look(); err != nil || st != supervise.Exited || o.Code != tc.code {
				t.Errorf("to another: %s %+v %v", st, o, err)
			}
		})
	}
}

func TestWhatTheChildIsGiven(t *testing.T) {
	dir, beside := child(t)
	spec := shell(dir, `cat; printf '%s|%s|' "$CANARY" "$PWD"; echo to-stderr >&2; readlink /proc/$$/fd/*`)
	spec.Env = []string{"CANARY=tweety", "PATH=" + os.Getenv("PATH")}
	spec.Stdin = []byte(strings.Repeat("sylvester\n", 20000)) // more than a pipe holds
	c := start(t, spec)
	_, o := over(t, c)
	out, err := c.Output(false, o.Stdout, 1<<20)
	if err != nil || out.Cut {
		t.Fatalf("%+v %v", out, err)
	}
	rest, ok := strings.CutPrefix(out.Text, string(spec.Stdin))
	held, named := strings.CutPrefix(rest, "tweety|"+beside+"|")
	held = strings.ReplaceAll(held, dir+"/stdin (deleted)", "")
	if !ok || !named || strings.Contains(held, dir) {
		t.Errorf("after its input it says %.200q; it shall hold no file of its supervisor open", rest)
	}
	if line := c.LastLine(); line == "" {
		t.Error("no line of standard error")
	}
	noTrace(t, dir, "tweety", "sylvester")
}

// noTrace: what was given to the child is in none of the records.
func noTrace(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%v %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", e.Name(), info.Mode(), err)
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if e.Name() != "stdout" && strings.Contains(string(b), s) {
				t.Errorf("%s holds %s", e.Name(), s)
			}
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestSecretIsInNoArgumentList(t *testing.T) {
	dir, beside := child(t)
	spec := shell(dir, `grep -las CANARYVALUE /proc/[0-9]*/cmdline; : > done; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done`)
	spec.Args = append(spec.Args, "ignored")
	spec.Env = append(spec.Env, "SECRET=CANARY"+"VALUE2")
	c := start(t, spec)
	until(t, "the script", func() bool { return exists(filepath.Join(beside, "done")) })
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "CANARY"+"VALUE2") {
			t.Errorf("%s: %q", f, b)
		}
	}
	if err := os.WriteFile(filepath.Join(beside, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	over(t, c)
}

func TestOutputIsBoundedAndDoesNotBlock(t *testing.T) {
	dir, _ := child(t)
	spec := shell(dir, `head -c 3000000 /dev/zero | tr '\0' x; echo end >&2`)
	spec.Limits.Output = 100_000
	c := start(t, spec)
	_, o := over(t, c)
	if o.Stdout != (supervise.Stream{Bytes: 3_000_000, Kept: 100_000}) || o.Stderr != (supervise.Stream{Bytes: 4, Kept: 4}) {
		t.Errorf("%+v", o)
	}
	info, err := os.Stat(filepath.Join(dir, "stdout"))
	if err != nil || info.Size() > 100_100 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "stdout"))
	if err != nil || !strings.HasSuffix(string(b), "x\n[runback: cut after 100000 bytes]\n") {
		t.Errorf("no marker: %q, %v", b[len(b)-60:], err)
	}
	out, err := c.Output(false, o.Stdout, 10)
	if err != nil || out.Text != "xxxxxxxxxx" || !out.Cut {
		t.Errorf("%+v %v", out, err)
	}
}

func TestWhatCannotBeRun(t *testing.T) {
	for name, change := range map[string]func(*supervise.Spec){
		"no such program":   func(s *supervise.Spec) { s.Program = "/nowhere/at/all" },
		"not a program":     func(s *supervise.Spec) { s.Program = "/etc/passwd" },
		"no such directory": func(s *supervise.Spec) { s.WorkDir = "/nowhere" },
	} {
		t.Run(name, func(t *testing.T) {
			dir, beside := child(t)
			spec := shell(dir, "echo x >> effect")
			bad := spec
			change(&bad)
			_, err := supervise.Start(t.Context(), bad)
			if !errors.Is(err, supervise.ErrNeverRan) {
				t.Fatalf("error %v", err)
			}
			if st, o, err := supervise.Attach(dir).Look(); err != nil || st != supervise.NotStarted || o.Never == "" {
				t.Errorf("%s %+v %v", st, o, err)
			}
			// It may be started anew in the same place.
			if st, o := over(t, start(t, spec)); st != supervise.Exited || o.Code != 0 || o.Never != "" || lines(t, beside+"/effect") != 1 {
				t.Errorf("%s %+v", st, o)
			}
		})
	}
}

func TestStartedOnce(t *testing.T) {
	dir, beside := child(t)
	spec := shell(dir, "echo x >> effect; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done")
	const starters = 8
	won := make(chan *supervise.Child, starters)
	lost := make(chan error, starters)
	for range starters {
		go func() {
			c, err := supervise.Start(context.Background(), spec)
			if err != nil {
				lost <- err
				return
			}
			won <- c
		}()
	}
	for range starters - 1 {
		if err := <-lost; !errors.Is(err, supervise.ErrTaken) && !errors.Is(err, supervise.ErrStarted) {
			t.Error(err)
		}
	}
	c := <-won
	if err := os.WriteFile(filepath.Join(beside, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	over(t, c)
	if n := lines(t, beside+"/effect"); n != 1 {
		t.Errorf("ran %d times", n)
	}
	if _, err := supervise.Start(t.Context(), spec); !errors.Is(err, supervise.ErrStarted) {
		t.Errorf("started again: %v", err)
	}
}

func TestWhoIsLeftIsTold(t *testing.T) {
	dir, beside := child(t)
	c := start(t, shell(dir, "(while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done; echo late >> effect) & exit 3"))
	began := time.Now()
	st, o := over(t, c)
	if st != supervise.Exited || o.Code != 3 || !o.Left || time.Since(began) > 10*time.Second {
		t.Errorf("%s %+v after %s", st, o, time.Since(began))
	}
	if err := os.WriteFile(filepath.Join(beside, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the one left", func() bool { return exists(beside + "/effect") })
}
