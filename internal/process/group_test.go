package process_test

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/runbackhq/runback/internal/process"
)

func TestGroupAlive(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	pid := cmd.Process.Pid
	if process.StartTime(pid) == "" {
		t.Skip("no /proc here")
	}
	if !process.GroupAlive(pid, pid) {
		t.Error("a living group is dead")
	}
	if process.GroupAlive(pid, pid+1) {
		t.Error("the group of another session is taken for it")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pgid := range []int{pid, 1, 0, -1} {
		if process.GroupAlive(pgid, pgid) {
			t.Errorf("group %d is alive", pgid)
		}
	}
	if p := process.Of(1); p.PID != 1 || p.Boot != process.Self().Boot {
		t.Errorf("%+v", p)
	}
}
