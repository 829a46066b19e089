package supervise_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/internal/supervise"
)

// These make the test binary an executor that a test can kill.
const (
	executorArg = "__executor"
	tiedArg     = "__executor-tied"
	forgetArg   = "__executor-tied-forget"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && strings.HasPrefix(os.Args[1], executorArg) {
		spec := shell(os.Args[2], os.Args[3])
		spec.Tied, spec.Forget = os.Args[1] != executorArg, os.Args[1] == forgetArg
		os.Exit(executor(spec))
	}
	goleak.VerifyTestMain(m)
}

// executor starts a child and waits for it, as an action does.
func executor(spec supervise.Spec) int {
	c, err := supervise.Start(context.Background(), spec)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, _, err := c.Wait(context.Background(), eyes()); err != nil {
		return 1
	}
	return 0
}

func shell(dir, script string) supervise.Spec {
	return supervise.Spec{
		Dir: dir, Program: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ(), WorkDir: filepath.Dir(dir),
		Limits: supervise.Limits{Interrupt: 200 * time.Millisecond, Terminate: 200 * time.Millisecond, Drain: 200 * time.Millisecond},
	}
}

func eyes() supervise.Eyes {
	return supervise.Eyes{Wait: func(ctx context.Context, d time.Duration) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
			return nil
		}
	}}
}

func start(t *testing.T, spec supervise.Spec) *supervise.Child {
	t.Helper()
	c, err := supervise.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// over waits for the end of a child, whoever started it.
func over(t *testing.T, c *supervise.Child) (supervise.State, supervise.Outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	st, o, err := c.Wait(ctx, eyes())
	if err != nil {
		t.Fatal(err)
	}
	return st, o
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

func itoa(n int) string { return strconv.Itoa(n) }

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// lines counts the lines of a file; none when there is none.
func lines(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

func child(t *testing.T) (dir, beside string) {
	t.Helper()
	top := t.TempDir()
	return filepath.Join(top, "child"), top
}
