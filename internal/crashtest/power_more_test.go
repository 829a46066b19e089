package crashtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A sync of the state folder, or of the one above it, fails, or kills the
// executor before it is done; another one goes on, and then the power goes.
// SQLite ignores such an error; what the failed sync left undone must be done by
// the time an event is acknowledged, in the same executor or in the next. That
// a sync which comes after a failed one does its work is taken for granted.
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
		if k.name != "fsync" || k.file != "state" && k.file != "cell" {
			continue
		}
		for _, fault := range faults[:2] {
			c := h.cell(pb, base, fmt.Sprintf("sync %d (of %s): %s, then the power went", k.nth, k.file, fault))
			d, told := newDisk(), newPromises(nil)
			c.launch(c.job(), c.strace(true, whole, fmt.Sprintf("fsync:%s:when=%d", fault, k.nth))...)
			c.counts.Points++
			c.powerAtEachAck(d, told)
			c.launch(c.job(), c.strace(true, whole)...)
			c.powerAtEachAck(d, told)
			c.finish()
			c.close()
		}
	}
	concluded(t, h.part, h.begun, 6)
}

// powerAtEachAck follows an executor, and looks at the disk that would be left
// had the power gone when it acknowledged an event.
func (c *cell) powerAtEachAck(d *disk, told *promises) {
	for i, k := range c.trace() {
		d.apply(k)
		if told.hear(k.lineOf()) {
			c.counts.Images++
			c.survives(d.image(0, nil), told, fmt.Sprintf("after call %d", i+1))
		}
	}
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
		d := newDisk()
		if err := d.load(c.stateDir()); err != nil {
			t.Error(err)
			return
		}
		before := maps.Clone(c.acked)
		if res := c.launch(c.job(), c.strace(true, whole, fmt.Sprintf("%s:signal=SIGKILL:when=%d", s.call.name, s.call.nth))...); res.code == -1 {
			c.counts.Points++
		}
		told := newPromises(before)
		for _, k := range c.trace() {
			d.apply(k)
			told.hear(k.lineOf())
		}
		c.acked = told.kept
		c.counts.Images++
		if err := put(d.image(s.p, rand.New(rand.NewPCG(s.seed, 0))), c.stateDir()); err != nil {
			t.Error(err)
		}
		c.finish()
	})
	concluded(t, h.part, h.begun, 3)
}
