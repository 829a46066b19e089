package crashtest

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// A sync of the folder fails, and later the power goes. SQLite ignores such an
// error: the name of its log is then not durable, and what the log holds may go
// with it.
func TestPowerLossAfterAFailedFolderSync(t *testing.T) {
	needStrace(t)
	h := newHarness(t, "folder sync")
	pb := playbookNamed("straight")
	base := h.undisturbed(pb)
	seen := h.cell(pb, base, "every system call seen")
	seen.launch(seen.job(), seen.strace(false, 0)...)
	calls := seen.trace()
	seen.close()
	for _, k := range calls {
		if k.name != "fsync" || k.file != "state" {
			continue
		}
		c := h.cell(pb, base, fmt.Sprintf("sync %d failed (of the folder), then the power went", k.nth))
		d, acked := newDisk(false), 0
		c.launch(c.job(), c.strace(true, whole, fmt.Sprintf("fsync:error=EIO:when=%d", k.nth))...)
		c.counts.Points++
		for _, k := range c.trace() {
			d.apply(k)
			if k.lineOf().Ack == nil {
				continue
			}
			acked++
			c.counts.Images++
			dir := filepath.Join(c.dir, "image")
			if err := put(d.image(0, nil), dir); err != nil {
				t.Fatal(err)
			}
			if events, err := readStore(c, dir); err != nil || len(events) < acked {
				c.known("a failed sync of the folder by SQLite, then a power loss", "%d of %d acknowledged events are there, %v", len(events), acked, err)
			}
		}
		c.finish()
		c.close()
	}
	concluded(t, h.part, h.begun, 3)
}

// The power goes at a call while the run goes on, and the run is really resumed
// from what the disk kept.
func TestResumedAfterPowerLoss(t *testing.T) {
	needStrace(t)
	h := newHarness(t, "power, resumed")
	random := rand.New(rand.NewPCG(*seed, 4))
	type shot struct {
		phase
		call call
		p    float64
		seed uint64
	}
	var shots []shot
	for i, pb := range playbooks {
		if !*long && i%7 != 0 {
			continue
		}
		for _, p := range h.phasesOf(pb, random) {
			todo := slices.DeleteFunc(p.todo, func(k call) bool { return k.name != "pwrite64" && k.name != "fsync" })
			for range map[bool]int{true: 20, false: 3}[*long] {
				shots = append(shots, shot{p, todo[random.IntN(len(todo))], []float64{0, 0.5}[random.IntN(2)], random.Uint64()})
			}
		}
	}
	h.each(len(shots), func(i int) {
		s := shots[i]
		c := h.cell(s.pb, s.base, fmt.Sprintf("%s, power lost before %s %d on %s, %g kept", s.name(), s.call.name, s.call.nth, s.call.file, s.p))
		defer c.close()
		s.prepare(c)
		d := newDisk(*strict)
		if err := d.load(c.stateDir()); err != nil {
			t.Error(err)
			return
		}
		if res := c.launch(c.job(), c.strace(true, whole, fmt.Sprintf("%s:signal=SIGKILL:when=%d", s.call.name, s.call.nth))...); res.code == -1 {
			c.counts.Points++
		}
		for _, k := range c.trace() {
			d.apply(k)
		}
		c.counts.Images++
		if err := put(d.image(s.p, rand.New(rand.NewPCG(s.seed, 0))), c.stateDir()); err != nil {
			t.Error(err)
		}
		c.finish()
	})
	concluded(t, h.part, h.begun, 3)
}
