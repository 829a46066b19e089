package crashtest

import (
	"fmt"
	"testing"
)

// The client dies while its write is on its way; it lands before, between or
// after the questions of the one who goes on.
func TestWriteInFlight(t *testing.T) {
	h := newHarness(t, "in flight")
	names := []string{"straight", "relative", "lost-replies", "compare-and-set", "verify"}
	bases := map[string]*baseline{}
	for _, name := range names {
		bases[name] = h.undisturbed(playbookNamed(name))
	}
	h.each(rounds(60, 10), func(i int) {
		name := names[i%len(names)]
		c := h.cell(playbookNamed(name), bases[name], fmt.Sprintf("in flight until %d questions later", 1+i/len(names)))
		defer c.close()
		c.ledger.delay = 1 + i/len(names)
		j := c.job()
		j.KillName = "effect in flight"
		if res := c.launch(j); res.code != -1 {
			c.finding(&c.counts.Other, "it was not killed in flight: %d %s", res.code, res.err)
			return
		}
		<-c.ledger.flown
		c.counts.Points++
		c.finish()
		c.ledger.mu.Lock()
		c.ledger.land(true)
		c.ledger.mu.Unlock()
		c.counts.Completed-- // look again, now that everything landed
		c.finish()
	})
	concluded(t, h.part, h.begun, 2)
}

// The reply to the first write of every name is withheld after it landed, and
// the executor may die besides.
func TestReplyWithheld(t *testing.T) {
	h := newHarness(t, "reply withheld")
	var pbs []playbook
	var bases []*baseline
	for _, pb := range playbooks {
		if !pb.doubt && !pb.timed && pb.name != "once" {
			pbs, bases = append(pbs, pb), append(bases, h.undisturbed(pb))
		}
	}
	h.each(len(pbs)*rounds(20, 2), func(i int) {
		pb, base := pbs[i%len(pbs)], bases[i%len(pbs)]
		kill := int64(i / len(pbs) * 7)
		c := h.cell(pb, base, fmt.Sprintf("replies withheld, killed at %d", kill))
		defer c.close()
		for name := range base.values {
			c.ledger.lost[name] = 1
		}
		j := c.job()
		j.Kill = kill
		c.launch(j)
		c.counts.Points++
		c.finish()
	})
	concluded(t, h.part, h.begun, 2)
}

// Somebody else changes what a step had announced to change. The step is in
// doubt, and a person decides.
func TestSomebodyElseActed(t *testing.T) {
	h := newHarness(t, "foreign")
	pb := playbookNamed("straight")
	base := h.undisturbed(pb)
	h.each(rounds(20, 3), func(i int) {
		c := h.cell(pb, base, "somebody else acted")
		defer c.close()
		c.told = true
		j := c.job()
		j.KillName = "before run"
		c.launch(j)
		c.counts.Points++
		c.ledger.mu.Lock()
		c.ledger.values["a"], c.ledger.receipts["a"] = 50+i, "somebody"
		c.ledger.mu.Unlock()
		c.finish()
		if c.counts.InDoubt != 1 {
			c.finding(&c.counts.Other, "in doubt %d times", c.counts.InDoubt)
		}
	})
	concluded(t, h.part, h.begun, 2)
}
