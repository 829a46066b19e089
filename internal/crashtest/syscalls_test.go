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
		// A sample that has every kind of call and fault, and the syncs that make
		// an event durable more than once.
		random.Shuffle(len(shots), func(a, b int) { shots[a], shots[b] = shots[b], shots[a] })
		kinds, rank := map[string]int{}, map[shotKey]int{}
		for _, s := range shots {
			kind := fmt.Sprint(s.call.name, s.call.file, s.fault, s.kill > 0)
			if s.call.file == "state" {
				kind += fmt.Sprint(s.call.nth)
			}
			key := shotKey{s.pb.name, s.kill, s.call.name, s.call.nth, s.fault}
			if rank[key] = kinds[kind] * 8; s.call.name == "fsync" && s.call.file == "runback.db-wal" && s.fault != faults[0] {
				rank[key] = kinds[kind]
			}
			kinds[kind]++
		}
		of := func(s shot) int { return rank[shotKey{s.pb.name, s.kill, s.call.name, s.call.nth, s.fault}] }
		slices.SortStableFunc(shots, func(a, b shot) int { return of(a) - of(b) })
		shots = shots[:min(len(shots), len(kinds)+7*4)]
		t.Logf("%d of them, of %d kinds", len(shots), len(kinds))
	}
	h.each(len(shots), func(i int) {
		s := shots[i]
		c := h.cell(s.pb, s.base, fmt.Sprintf("%s, %s %d on %s: %s", s.name(), s.call.name, s.call.nth, s.call.file, s.fault))
		defer c.close()
		s.prepare(c)
		c.takeAway(s.call, s.fault)
		c.finish()
	})
	concluded(t, h.part, h.begun, 10)
}

// shotKey tells one disturbance from every other.
type shotKey struct {
	playbook string
	kill     int64
	call     string
	nth      int
	fault    string
}

// takeAway runs an executor with one fault and holds it to stopping there.
func (c *cell) takeAway(k call, fault string) {
	res := c.launch(c.job(), c.strace(true, 8, fmt.Sprintf("%s:%s:when=%d", k.name, fault, k.nth))...)
	if strings.HasPrefix(fault, "signal") {
		if res.code == -1 {
			c.counts.Points++
		} else {
			c.counts.note("did not fire "+k.name+" "+k.file, 1)
		}
		return
	}
	at, acked, loose := -1, 0, 0
	dir := newNames()
	for i, seen := range c.trace() {
		dir.see(seen)
		if seen.fault {
			if at = i; seen.file != k.file {
				c.counts.note("fired at another call than planned", 1)
			}
			k = seen
		}
		if at >= 0 && seen.acks() {
			acked++
			if dir.loose {
				loose++
			}
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
	case acked == 0 || !k.hurts() || dir.ignored && loose == 0:
		c.counts.note("no harm: "+what, 1)
	default:
		c.finding(&c.counts.Other, "%s failed and the executor went on: %d events acknowledged after it, exit %d", what, acked, res.code)
	}
}

// hurts says whether nothing may be acknowledged after the call failed. The
// index in shared memory and what is removed are made anew.
func (k call) hurts() bool {
	return !strings.HasSuffix(k.file, "-shm") && !strings.HasPrefix(k.name, "unlink")
}
