package crashtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// jump is what a clock does between two executors.
type jump struct {
	name string
	by   time.Duration
}

func jumps() []jump {
	return []jump{{"+1h", time.Hour}, {"-1h", -time.Hour}, {"+1d", 24 * time.Hour}, {"-1d", -24 * time.Hour}, {"1970", -time.Since(time.Unix(0, 0)).Truncate(time.Hour)}}
}

// The clock is another one when the run is resumed. No step is done twice, no
// deadline moves, and no time is won: time never runs backwards in a journal.
func TestClockJumpsBetweenExecutors(t *testing.T) {
	h := newHarness(t, "clock between")
	random := rand.New(rand.NewPCG(*seed, 7))
	type shot struct {
		pb   playbook
		base *baseline
		kill int64
		jump
	}
	var shots []shot
	for _, name := range []string{"straight", "compare-and-set", "blocks", "budget", "retry"} {
		base := h.undisturbed(playbookNamed(name))
		for _, by := range jumps() {
			for range rounds(25, 2) {
				// not before the run began: a clock that is wrong from then on is not seen
				shots = append(shots, shot{playbookNamed(name), base, 20 + random.Int64N(int64(len(base.points))-25), by})
			}
		}
	}
	h.each(len(shots), func(i int) {
		s := shots[i]
		c := h.cell(s.pb, s.base, fmt.Sprintf("killed at %d (%s), resumed %s", s.kill, s.base.points[s.kill-1], s.name))
		defer c.close()
		j := c.job()
		j.Kill = s.kill
		c.launch(j)
		c.counts.Points++
		c.jumped(s.by, false)
	})
	concluded(t, h.part, h.begun, 5)
}

// jumped resumes with another clock and holds the run to its time.
func (c *cell) jumped(by time.Duration, during bool) {
	j := c.job()
	j.Offset = by
	began := time.Now()
	res := c.launch(j)
	if res.end == nil {
		c.finding(&c.counts.Other, "the resume ended with %d: %s", res.code, res.err)
		return
	}
	c.counts.Completed++
	c.times(*res.end, during)
	if c.pb.timed && by < 0 && time.Since(began) > 20*time.Second {
		c.finding(&c.counts.Other, "a budget of 60ms took %s", time.Since(began))
	}
	if by > 0 && len(res.acks) > 0 && (res.end.Status == journal.OverBudget || res.end.Status == journal.FailedRun) {
		ofStep := strings.Contains(res.end.Message, "the time of step") || strings.Contains(res.end.Message, "the time of the verification")
		if res.end.Status == journal.FailedRun && c.base.end.Status == journal.Succeeded && !ofStep {
			c.finding(&c.counts.Other, "the run failed, undisturbed it did not, and it does not say that its time was over: %s", res.end.Message)
		}
		c.base = nil // its time is over; what did happen must still be said, and have happened once
		c.counts.note("its time was over", 1)
	}
	c.ended(*res.end)
}

// times finds time that runs backwards, and what began after its time.
func (c *cell) times(e ending, during bool) {
	var latest time.Time
	for _, ev := range e.Events {
		starts := ev.Type == journal.StepStart || ev.Type == journal.BlockStart
		if starts && !during && ev.Time.After(e.Until) && !strings.Contains(ev.Path, "~finally") {
			c.finding(&c.counts.Other, "event %d (%s of %s) came %s after the time of the run", ev.Seq, ev.Type, ev.Path, ev.Time.Sub(e.Until).Round(time.Second))
		}
		if back := latest.Sub(ev.Time); back > 0 {
			c.finding(&c.counts.Other, "event %d (%s) was written %s before one that precedes it, so the run won that time", ev.Seq, ev.Type, back.Round(time.Second))
			return
		}
		if ev.Time.After(latest) {
			latest = ev.Time
		}
	}
}

// The clock jumps while an executor runs; then it is killed, and the run is
// resumed under that clock.
func TestClockJumpsDuringARun(t *testing.T) {
	h := newHarness(t, "clock during")
	random := rand.New(rand.NewPCG(*seed, 8))
	pb := playbookNamed("compare-and-set")
	base := h.undisturbed(pb)
	n := int64(len(base.points))
	all := jumps()
	at := make([][2]int64, rounds(150, 10))
	for i := range at {
		at[i][0] = 20 + random.Int64N(n-40)
		at[i][1] = at[i][0] + 3 + random.Int64N(15)
	}
	h.each(len(at), func(i int) {
		by := all[i%len(all)]
		c := h.cell(pb, base, fmt.Sprintf("clock jumped %s at %d, killed at %d (%s)", by.name, at[i][0], at[i][1], base.points[at[i][1]-1]))
		defer c.close()
		j := c.job()
		j.JumpAt, j.Jump, j.Kill = at[i][0], by.by, at[i][1]
		c.launch(j)
		c.counts.Points++
		c.jumped(by.by, true)
	})
	concluded(t, h.part, h.begun, 5)
}
