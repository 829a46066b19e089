package crashtest

import (
	"fmt"
	"maps"
	"strings"

	"github.com/runbackhq/runback/internal/journal"
)

// baseline is the undisturbed run of a playbook.
type baseline struct {
	end     ending
	values  map[string]int
	effects map[string]int // by key
	points  []string
}

// finding is something that should not be. It counts and tells, the first
// times in words.
func (c *cell) finding(n *int, format string, args ...any) {
	*n++
	if c.h.told.Add(1) <= 20 {
		c.h.t.Errorf("%s, %s, %s: %s\n  %s", c.h.part, c.pb.name, c.label, fmt.Sprintf(format, args...), strings.Join(c.log, "\n  "))
	}
}

// known is a finding that is known and not mended: it is counted, and fails the
// test only when that is asked for.
func (c *cell) known(what, format string, args ...any) {
	c.counts.note("known: "+what, 1)
	if *strict {
		c.finding(&c.counts.Other, what+": "+format, args...)
	}
}

// look holds what one executor told against what is known: no event that was
// acknowledged is gone, and no effect took place that was not announced.
func (c *cell) look(r *running, res *result) {
	there := res.found
	if res.end != nil {
		there = res.end.Events
	}
	c.log = append(c.log, fmt.Sprintf("executor %d: exit %d, found %d events, acknowledged %d, effects %d, %s", c.tries, res.code, len(res.found), len(res.acks), len(c.ledger.snapshot()), res.err))
	if r.job.Run == "r-1" && (res.seen || res.end != nil) {
		hashes, announced := map[int]string{}, map[string]bool{}
		for _, e := range there {
			hashes[e.Seq] = e.Hash
			if e.Type == journal.StepIntent {
				announced["r-1/"+e.Path] = true
			}
		}
		for seq, hash := range r.acked {
			if hashes[seq] != hash {
				c.finding(&c.counts.Lost, "event %d was acknowledged and is %q now", seq, hashes[seq])
			}
		}
		for _, e := range r.before {
			if strings.HasPrefix(e.Key, "r-1/") && !announced[e.Key] {
				c.finding(&c.counts.Other, "%s took effect and was not announced", e.Key)
			}
		}
	}
	for _, e := range res.acks {
		if r.job.Run != "r-1" {
			break
		}
		if have, twice := c.acked[e.Seq]; twice && have != e.Hash {
			c.finding(&c.counts.Lost, "two events %d were acknowledged", e.Seq)
		}
		c.acked[e.Seq] = e.Hash
	}
	if res.code == exitStore {
		c.counts.Stopped++
	}
	if res.code == exitLocked {
		c.counts.Overtaken++
	}
	if res.code == exitOther {
		c.finding(&c.counts.Other, "an executor failed: %s", res.err)
	}
}

// decide is a person who looks at the ledger. Only what cannot be asked may be
// in doubt.
func (c *cell) decide(e ending) map[string]journal.Decision {
	out := map[string]journal.Decision{}
	for path, st := range e.Steps {
		if st.Status != journal.InDoubt {
			continue
		}
		c.counts.InDoubt++
		if !c.told && !strings.Contains(c.pb.spec, "{id: "+path[strings.LastIndex(path, "/")+1:]+", uses: ledger.add_once") {
			c.finding(&c.counts.Other, "%s can be asked and is in doubt (%s): %s", path, st.Verdict, e.Message)
		}
		c.ruled[path] = true
		out[path] = journal.Redo
		if c.ledger.effectsOf("r-1/"+path) > 0 {
			out[path] = journal.SkipIt
		}
	}
	return out
}

// ended holds the end of a run against the undisturbed one.
func (c *cell) ended(e ending) {
	bad := c.counts.bad()
	effects := map[string]int{}
	for _, f := range c.ledger.snapshot() {
		effects[f.Key]++
	}
	for key, n := range effects {
		if n > 1 {
			c.finding(&c.counts.Doubled, "%s took effect %d times", key, n)
		}
		path, mine := strings.CutPrefix(key, "r-1/")
		if st := e.Steps[path]; (st.Status == "" || st.Status == journal.Skip) && mine && !c.ruled[path] {
			c.finding(&c.counts.Skipped, "%s took effect and the journal says %q of it", key, st.Status)
		}
	}
	c.once(e)
	if c.base == nil {
		return
	}
	if c.pb.timed {
		c.endedInTime(e, effects)
	} else {
		c.endedAlike(e, effects)
	}
	if c.counts.bad() == bad {
		c.counts.Same++
	}
}

// once: a step begins once, so its deadline is given once.
func (c *cell) once(e ending) {
	begun := map[string]int{}
	for _, ev := range e.Events {
		if ev.Type == journal.StepStart || ev.Type == journal.BlockStart {
			if begun[ev.Path]++; begun[ev.Path] > 1 {
				c.finding(&c.counts.Other, "%s began %d times", ev.Path, begun[ev.Path])
			}
		}
	}
}

func (c *cell) endedAlike(e ending, effects map[string]int) {
	want := c.base
	if e.Status != want.end.Status {
		c.finding(&c.counts.Other, "the run ended %s, undisturbed %s: %s", e.Status, want.end.Status, e.Message)
	}
	for path, st := range want.end.Steps {
		got := e.Steps[path]
		switch {
		case got.Status == st.Status, c.ruled[path] || st.Decision != "":
		case got.Status == "":
			c.finding(&c.counts.Skipped, "%s was left out; undisturbed it %s", path, st.Status)
		default:
			c.finding(&c.counts.Other, "%s %s, undisturbed it %s", path, got.Status, st.Status)
		}
	}
	if got := c.ledger.end(); !maps.Equal(got, want.values) {
		c.finding(&c.counts.Other, "the ledger holds %v, undisturbed %v", got, want.values)
	}
	for key := range want.effects {
		if effects[key] == 0 {
			c.finding(&c.counts.Skipped, "%s took no effect", key)
		}
	}
	for key := range effects {
		if want.effects[key] == 0 {
			c.finding(&c.counts.Other, "%s took effect, undisturbed it did not", key)
		}
	}
}

// endedInTime is for a run whose time ends: it may have come less far, and says
// so by its status.
func (c *cell) endedInTime(e ending, effects map[string]int) {
	if e.Status != c.base.end.Status {
		c.finding(&c.counts.Other, "the run ended %s, undisturbed %s: %s", e.Status, c.base.end.Status, e.Message)
	}
	for key := range effects {
		if strings.HasSuffix(key, "/no") { // the undisturbed run, too, may have come less far than this one
			c.finding(&c.counts.Other, "%s took effect, undisturbed it did not", key)
		}
	}
	for path, st := range c.base.end.Steps {
		if e.Steps[path].Status == "" && !strings.Contains(path, "/") {
			c.finding(&c.counts.Skipped, "%s was left out; undisturbed it %s", path, st.Status)
		}
	}
}

// undisturbed runs a playbook with nobody in its way.
func (h *harness) undisturbed(pb playbook) *baseline {
	c := h.cell(pb, nil, "undisturbed")
	defer h.ledgers.drop(c.id)
	j, b := c.job(), &baseline{effects: map[string]int{}}
	j.List = true
	for {
		res := c.launch(j)
		if res.end == nil {
			h.t.Fatalf("%s, undisturbed: exit %d, %s %s", pb.name, res.code, res.err, res.stderr)
		}
		if b.points == nil {
			b.points = res.points
		}
		b.end = *res.end
		if !b.end.Status.Resumable() {
			break
		}
		j.Decide, j.List = c.decide(b.end), false
	}
	b.values = c.ledger.end()
	for _, e := range c.ledger.snapshot() {
		b.effects[e.Key]++
	}
	if c.counts.bad() > 0 || (c.counts.InDoubt > 0) != pb.doubt {
		h.t.Fatalf("%s, undisturbed: %s", pb.name, c.counts.text())
	}
	return b
}
