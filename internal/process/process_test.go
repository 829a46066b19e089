package process_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/process"
)

func TestRunningProcessIsAlive(t *testing.T) {
	self := process.Self()
	if self.PID != os.Getpid() || self.Host == "" {
		t.Fatalf("%+v", self)
	}
	if alive, known := process.Alive(self); !alive || !known {
		t.Errorf("alive %v, known %v", alive, known)
	}
}

func TestWhatIsNotTheSameProcess(t *testing.T) {
	self := process.Self()
	change := func(f func(*process.ID)) process.ID {
		p := self
		f(&p)
		return p
	}
	for name, tc := range map[string]struct {
		p     process.ID
		known bool
	}{
		"another start of the same pid": {change(func(p *process.ID) { p.Start = "1" }), true},
		"an earlier boot":               {change(func(p *process.ID) { p.Boot = "earlier" }), true},
		"a pid that is not there":       {change(func(p *process.ID) { p.PID = 1 << 30 }), true},
		"another host":                  {change(func(p *process.ID) { p.Host = "elsewhere" }), false},
		"no pid":                        {change(func(p *process.ID) { p.PID, p.Start = 0, "" }), false},
		"a process group":               {change(func(p *process.ID) { p.PID, p.Start = -1, "" }), false},
		"nothing":                       {process.ID{}, false},
	} {
		if alive, known := process.Alive(tc.p); alive || known != tc.known {
			t.Errorf("%s: alive %v, known %v", name, alive, known)
		}
	}
}

// A process that has ended but whose parent has not asked for its result still
// has its pid and its start time.
func TestZombieIsDead(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	p := process.Self()
	p.PID = cmd.Process.Pid
	if p.Start = process.StartTime(p.PID); p.Start == "" {
		t.Skip("no /proc here")
	}
	if alive, _ := process.Alive(p); !alive {
		t.Error("a living child is dead")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if alive, known := process.Alive(p); !alive && known {
			_ = cmd.Wait()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a zombie is alive")
}
