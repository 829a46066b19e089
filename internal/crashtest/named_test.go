package crashtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// An executor is killed at a named point, and the ones that go on may be killed
// too. The run ends as if nobody had been.
func TestKilledAtNamedPoints(t *testing.T) {
	h := newHarness(t, "named points")
	random := rand.New(rand.NewPCG(*seed, 1))
	type shot struct {
		pb    playbook
		base  *baseline
		kills []int64
	}
	var shots []shot
	for _, pb := range playbooks {
		base := h.undisturbed(pb)
		n := int64(len(base.points))
		if n < 40 {
			t.Errorf("%s has %d points only", pb.name, n)
		}
		step, pairs := int64(1), 60
		if !*long {
			step, pairs = 16, 1
		}
		for first := 1 + random.Int64N(step); first <= n; first += step {
			shots = append(shots, shot{pb, base, []int64{first}})
		}
		for range pairs {
			shots = append(shots, shot{pb, base, []int64{1 + random.Int64N(n), 1 + random.Int64N(n/2)}})
		}
		if *long {
			for range 10 {
				shots = append(shots, shot{pb, base, []int64{1 + random.Int64N(n), 1 + random.Int64N(n/2), 1 + random.Int64N(n/2)}})
			}
		}
	}
	h.each(len(shots), func(i int) {
		s := shots[i]
		c := h.cell(s.pb, s.base, fmt.Sprintf("killed at %v (%s)", s.kills, s.base.points[s.kills[0]-1]))
		defer c.close()
		for _, n := range s.kills {
			j := c.job()
			j.Kill = n
			if res := c.launch(j); res.code == -1 {
				c.counts.Points++
			} else if res.code == exitLocked {
				c.finding(&c.counts.Other, "nobody else is there, and it was locked out: %s", res.err)
			}
		}
		c.finish()
	})
	concluded(t, h.part, h.begun, 4)
}
