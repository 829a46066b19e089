package crashtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func rounds(many, few int) int {
	if *long {
		return many
	}
	return few
}

// Two executors go on with one run, or begin it, at the same time.
func TestTwoExecutorsForOneRun(t *testing.T) {
	h := newHarness(t, "one run, two")
	random := rand.New(rand.NewPCG(*seed, 6))
	names := []string{"straight", "blocks", "retry", "relative"}
	bases := map[string]*baseline{}
	for _, name := range names {
		bases[name] = h.undisturbed(playbookNamed(name))
	}
	n := rounds(600, 20)
	kills := make([]int64, n)
	for i := range kills {
		kills[i] = random.Int64N(int64(len(bases[names[i%4]].points))) // 0: there is no run yet
	}
	h.each(n, func(i int) {
		name := names[i%4]
		c := h.cell(playbookNamed(name), bases[name], fmt.Sprintf("two executors after %d", kills[i]))
		defer c.close()
		if kills[i] > 0 {
			j := c.job()
			j.Kill = kills[i]
			c.launch(j)
		}
		one, two := c.start(c.job()), c.start(c.job())
		first, second := one.wait(), two.wait()
		c.counts.Points++
		if first.code != exitOver && second.code != exitOver {
			c.finding(&c.counts.Other, "neither could: %d %s, %d %s", first.code, first.err, second.code, second.err)
		}
		c.finish()
	})
	concluded(t, h.part, h.begun, 5)
}

// Two runs want one target at the same time: one after the other has it.
func TestTwoRunsForOneTarget(t *testing.T) {
	h := newHarness(t, "one target, two")
	h.each(rounds(400, 10), func(i int) {
		c := h.cell(playbookNamed([]string{"straight", "relative"}[i%2]), nil, "two runs")
		defer c.close()
		other := c.job()
		other.Run = "r-2"
		one, two := c.start(c.job()), c.start(other)
		first, second := one.wait(), two.wait()
		c.counts.Points++
		if first.code == exitLocked && second.code == exitLocked {
			c.finding(&c.counts.Other, "neither could: %s, %s", first.err, second.err)
		}
		for second.code == exitLocked {
			second = c.launch(other)
		}
		c.finish()
		var order []string
		for _, e := range c.ledger.snapshot() {
			run, _, _ := strings.Cut(e.Key, "/")
			order = append(order, run)
		}
		if blocks := slices.Compact(slices.Clone(order)); len(blocks) != 2 {
			c.finding(&c.counts.Other, "two runs acted at the same time: %v", order)
		}
	})
	concluded(t, h.part, h.begun, 5)
}

// An executor is frozen at a point, taken for dead, and followed; then it goes
// on. It writes nothing more, and acts no more unless it had asked for its lock
// for the last time before it was frozen, which no lock can prevent.
func TestFrozenAndFollowed(t *testing.T) {
	h := newHarness(t, "frozen")
	pb := playbookNamed("compare-and-set")
	base := h.undisturbed(pb)
	// The point before the first claim, after which it has read that there is
	// no run; the point after it has every lock; the one before its last event.
	reads := int64(slices.Index(base.points, "before claim") + 1)
	holds := int64(slices.Index(base.points, "after lock") + 1)
	last := int64(len(base.points) - slices.Index(reversed(base.points), "before append"))
	type shot struct {
		at  int64
		run string
	}
	var shots []shot
	for at := reads; at <= last; at++ {
		if at > reads && (at-reads)%int64(rounds(1, 11)) != 0 {
			continue
		}
		if shots = append(shots, shot{at, "r-1"}); at >= holds {
			shots = append(shots, shot{at, "r-2"})
		}
	}
	h.each(len(shots), func(i int) {
		s := shots[i]
		point := base.points[s.at-1]
		c := h.cell(pb, nil, fmt.Sprintf("frozen at %d (%s), followed by %s", s.at, point, s.run))
		defer c.close()
		j, follower := c.job(), c.job()
		j.Pause, follower.Blind, follower.Run = s.at, true, s.run
		if s.run == "r-2" {
			follower.Playbook, c.ledger.values["seed"] = "guards", 7 // acts on the same target, on other things in it
		}
		frozen := c.start(j)
		<-c.ledger.paused
		c.launch(follower)
		before := c.ledger.snapshot()
		close(c.ledger.goOn)
		res := frozen.wait()
		c.counts.Points++
		after := c.ledger.snapshot()[len(before):]
		asked := point == "before run" || point == "after renew" // the last question lies behind it
		if len(after) > 0 && !asked || len(after) > 1 {
			c.finding(&c.counts.Other, "it acted after it was followed: %+v", after)
		}
		if res.late > 0 {
			c.finding(&c.counts.Other, "it wrote %d events after it was followed", res.late)
		}
		if res.code != exitLocked {
			c.finding(&c.counts.Other, "it ended with %d after it was followed: %s", res.code, res.err)
		}
		if s.run == "r-1" {
			c.base = base
		}
		c.finish()
	})
	concluded(t, h.part, h.begun, 5)
}

func reversed(points []string) []string {
	out := slices.Clone(points)
	slices.Reverse(out)
	return out
}
