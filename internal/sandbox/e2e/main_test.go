// Package e2e takes the sandbox that make built, or builds it, and uses it as a
// person would: through its commands, through kubectl, and as a customer of the
// application in it.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs is the folder of the built programs.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if programs = builtPrograms(); programs != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "sandbox-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := buildInto(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	return m.Run()
}

// builtPrograms is the folder of programs that are there already, or "".
func builtPrograms() string {
	if dir := os.Getenv("SANDBOX_BIN"); dir != "" {
		return dir
	}
	root := repositoryRoot()
	if root == "" {
		return ""
	}
	bin := filepath.Join(root, "bin")
	// the sandbox looks for the application beside itself: one without the other is no use
	if !exists(filepath.Join(bin, "sandbox")) || !exists(filepath.Join(bin, "sandbox-app")) {
		return ""
	}
	return bin
}

// repositoryRoot is the folder with .git above the tests; an unpacked archive has none.
func repositoryRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	// in a worktree .git is a file
	for !exists(filepath.Join(dir, ".git")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func buildInto(dir string) error {
	// another user runs them, too
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"sandbox", "sandbox-app"} {
		// the flags of the Makefile: others would miss its build cache
		build := exec.Command("go", "build", "-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4",
			"-o", filepath.Join(dir, name), "../cmd/"+name)
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}
