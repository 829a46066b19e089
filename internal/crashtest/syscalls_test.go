package crashtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// phase is one executor whose system calls are taken away: the one that begins
// the run, or one that goes on with it after a kill at a named point.
type phase struct {
	pb   playbook
	base *baseline
	kill int64 // of the executor before; 0: there is none
	todo []call
}

func (p phase) name() string {
	if p.kill == 0 {
		return "run"
	}
	return fmt.Sprintf("resume after %d", p.kill)
}

// prepare brings a cell to the beginning of the phase.
func (p phase) prepare(c *cell) {
	if p.kill > 0 {
		j := c.job()
		j.Kill = p.kill
		c.launch(j)
	}
}

// phasesOf lists what the executors of a playbook ask of the system when
// nothing is taken away.
func (h *harness) phasesOf(pb playbook, random *rand.Rand) []phase {
	base := h.undisturbed(pb)
	n := int64(len(base.points))
	out := []phase{{pb: pb, base: base}, {pb: pb, base: base, kill: n/4 + random.Int64N(n/2)}}
	for i := range out {
		c := h.cell(pb, base, "every system call seen")
		out[i].prepare(c)
		c.launch(c.job(), c.strace(false, 0)...)
		for _, k := range c.trace() {
			if !k.failed && (!strings.HasPrefix(k.name, "open") || strings.Contains(k.args, "O_CREAT")) {
				out[i].todo = append(out[i].todo, k)
			}
		}
		c.finish()
		c.close()
		if len(out[i].todo) < 30 {
			h.t.Errorf("%s, %s: only %d system calls seen", pb.name, out[i].name(), len(out[i].todo))
		}
	}
	return out
}

// faults are what is done to a system call.
var faults = []string{"signal=SIGKILL", "error=EIO", "error=ENOSPC"}

// Every call that writes, makes durable, creates or removes a file of the store
// kills the executor, or fails. What is left can be gone on with; an executor
// whose journal failed acknowledges nothing more.
func TestSystemCallsTakenAway(t *testing.T) {
	needStrace(t)
	h := newHarness(t, "system calls")
	random := rand.New(rand.NewPCG(*seed, 2))
	type shot struct {
		phase
		call  call
		fault string
	}
	var shots []shot
	for i, pb := range playbooks {
		if !*long && i%7 != 0 {
			continue
		}
		for _, p := range h.phasesOf(pb, random) {
			for _, k := range p.todo {
				for _, f := range faults {
					shots = append(shots, shot{p, k, f})
				}
			}
		}
	}
	t.Logf("%d system calls and faults", len(shots))
	if !*long {
		random.Shuffle(len(shots), func(a, b int) { shots[a], shots[b] = shots[b], shots[a] })
		slices.SortStableFunc(shots, func(a, b shot) int { return rarity(a.call) - rarity(b.call) })
		shots = shots[:min(len(shots), 70)]
	}
	h.each(len(shots), func(i int) {
		s := shots[i]
		c := h.cell(s.pb, s.base, fmt.Sprintf("%s, %s %d on %s: %s", s.name(), s.call.name, s.call.nth, s.call.file, s.fault))
		defer c.close()
		s.prepare(c)
		c.takeAway(s.phase, s.call, s.fault)
		c.finish()
	})
	concluded(t, h.part, h.begun, 10)
}

// rarity puts calls of which there are few before those of which there are
// many, so that a sample has every kind.
func rarity(k call) int {
	if k.file == "state" {
		return -1
	}
	if k.name == "pwrite64" || k.file == "runback.db-wal" && k.name == "fsync" && k.nth%4 != 0 {
		return 1
	}
	return 0
}

// takeAway runs an executor with one fault and holds it to stopping there.
func (c *cell) takeAway(p phase, k call, fault string) {
	res := c.launch(c.job(), c.strace(true, 8, fmt.Sprintf("%s:%s:when=%d", k.name, fault, k.nth))...)
	if strings.HasPrefix(fault, "signal") {
		if res.code == -1 {
			c.counts.Points++
		} else {
			c.counts.note("did not fire "+k.name+" "+k.file, 1)
		}
		return
	}
	at, acked, folder := -1, 0, 0
	for i, seen := range c.trace() {
		if seen.name == "fsync" && seen.file == "state" && at < 0 {
			folder++
		}
		if seen.fault {
			if at = i; seen.file != k.file {
				c.counts.note("fired at another call than planned", 1)
			}
			k = seen
		}
		if at >= 0 && seen.acks() {
			acked++
		}
	}
	if at < 0 {
		c.counts.note("did not fire "+k.name+" "+k.file, 1)
		return
	}
	c.counts.Points++
	what := k.name + " " + k.file
	switch {
	case res.code == exitStore:
		c.counts.note("stopped", 1)
	case !k.hurts(p.kill == 0 && folder == 1) || acked == 0:
		c.counts.note("no harm: "+what, 1)
	default:
		c.finding(&c.counts.Other, "%s failed and the executor went on: %d events acknowledged after it, exit %d", what, acked, res.code)
	}
}

// hurts says whether nothing may be acknowledged after the call failed. The
// index in shared memory and what is removed are made anew. SQLite ignores a
// failed sync of the folder; that is why the store makes the first one itself.
func (k call) hurts(first bool) bool {
	switch {
	case strings.HasSuffix(k.file, "-shm"), strings.HasPrefix(k.name, "unlink"):
		return false
	case k.file == "state" && k.name == "fsync":
		return first
	}
	return true
}
