package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestIdentityIsMoreThanAPid(t *testing.T) {
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := Identify(cmd.Process.Pid)
	if err != nil || !id.Alive() {
		t.Fatalf("%+v %v", id, err)
	}
	other := ID{PID: id.PID, Start: id.Start + 1}
	if other.Alive() || other.Signal(syscall.SIGKILL) == nil {
		t.Error("a process with another start time was taken for it")
	}
	if !id.Alive() {
		t.Fatal("it was killed by a signal for another")
	}
	if err := id.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Second)
	for id.Alive() && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if id.Alive() { // not yet waited for: a zombie
		t.Error("a zombie counts as alive")
	}
	_ = cmd.Wait()
}

// helperVariable makes this test program the process that is killed below.
const helperVariable = "SPAWNER_TEST_HELPER"

// TestMain lets the test program start a child and wait for its own end.
func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("sleep", "100")
	if err := NewSpawner().Start(context.Background(), cmd); err != nil {
		_, _ = fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	// threads come and go; the child must not notice
	for range 20 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
		}()
		<-done
	}
	_, _ = fmt.Fprintln(os.Stdout, cmd.Process.Pid)
	time.Sleep(time.Minute)
}

func TestChildrenDieWithTheProcessAndNotBefore(t *testing.T) {
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperVariable+"=1")
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	child, err := Identify(pid)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	if !child.Alive() {
		t.Error("the child ended with a thread that had nothing to do with it")
	}
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait()
	deadline := time.Now().Add(3 * time.Second)
	for child.Alive() && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if child.Alive() {
		_ = child.Signal(syscall.SIGKILL)
		t.Error("the child outlived the process that started it")
	}
}

func TestClosedSpawnerStartsNothing(t *testing.T) {
	s := NewSpawner()
	s.Close()
	s.Close()
	if err := s.Start(t.Context(), exec.Command("true")); err == nil {
		t.Error("a closed spawner started something")
	}
}

func TestMarked(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", "setsid sleep 100 & wait")
	cmd.Env = append(os.Environ(), Marker+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, id := range Marked(dir) {
			_ = id.Signal(syscall.SIGKILL)
		}
		_ = cmd.Wait()
	}()
	deadline := time.Now().Add(5 * time.Second)
	for len(Marked(dir)) < 2 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := len(Marked(dir)); n != 2 {
		t.Errorf("found %d processes, want the shell and what left its group", n)
	}
	if n := len(Marked(dir + "x")); n != 0 {
		t.Errorf("found %d of another sandbox", n)
	}
}

func TestUsageCountsDescendants(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sh -c 'while :; do :; done' & wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() }()
	id, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if u, err := ReadUsage(id); err == nil && u.CPUSeconds > .1 && u.MemoryBytes > 100_000 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the busy child was not counted")
}
