package crashtest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/sqlite"
)

// whole is longer than any write.
const whole = 1 << 20

// lineOf reads what the executor told in a call.
func (k call) lineOf() (l line) {
	if m := textPattern.FindStringSubmatch(k.args); m != nil && strings.HasPrefix(k.file, "acks.") {
		_ = json.Unmarshal(unhex(m[1]), &l) // another line is of no interest
	}
	return l
}

// promises are the events that a loss of power may not take.
type promises struct {
	kept map[int]string // hashes by number
	open map[int]string // acknowledged, and nothing rests on them yet
}

func newPromises(kept map[int]string) *promises {
	p := &promises{map[int]string{}, map[int]string{}}
	maps.Copy(p.kept, kept)
	return p
}

// hear takes what the executor told. It says whether more is promised now.
func (p *promises) hear(l line) (more bool) {
	switch {
	case l.Ack != nil && l.Soon:
		p.open[l.Ack.Seq] = l.Ack.Hash
		return false
	case l.Ack != nil:
		p.kept[l.Ack.Seq] = l.Ack.Hash
	case !l.Begin:
		return false
	}
	maps.Copy(p.kept, p.open)
	clear(p.open)
	return true
}

// The power goes after every call of a run and of a resume. Whatever the disk
// kept of what was not synced, the store opens, the chain is whole, and every
// event that was acknowledged is there.
func TestPowerLoss(t *testing.T) {
	needStrace(t)
	h := newHarness(t, "power loss")
	random := rand.New(rand.NewPCG(*seed, 3))
	var phases []phase
	for i, pb := range playbooks {
		if !*long && i%7 != 0 {
			continue
		}
		base := h.undisturbed(pb)
		n := int64(len(base.points))
		phases = append(phases, phase{pb: pb, base: base}, phase{pb: pb, base: base, kill: n/4 + random.Int64N(n/2)})
	}
	h.each(len(phases), func(i int) {
		p := phases[i]
		c := h.cell(p.pb, p.base, p.name()+", then the power went")
		defer c.close()
		p.prepare(c)
		c.images(rand.New(rand.NewPCG(*seed, uint64(i))))
		c.finish()
	})
	concluded(t, h.part, h.begun, 1)
}

// images records one executor and looks at every disk that a power loss could
// have left.
func (c *cell) images(random *rand.Rand) {
	d := newDisk()
	if err := d.load(c.stateDir()); err != nil {
		c.h.t.Error(err)
		return
	}
	told := newPromises(c.acked)
	c.launch(c.job(), c.strace(true, whole)...)
	halves, stride := 6, 1
	if !*long {
		halves, stride = 1, 8
	}
	seen := map[[32]byte]bool{}
	for i, k := range c.trace() {
		d.apply(k)
		told.hear(k.lineOf())
		if i%stride != 0 {
			continue
		}
		c.counts.Points++
		for n := range halves + 2 {
			p := []float64{0, 1, 0.5}[min(n, 2)]
			image := d.image(p, random)
			c.counts.Images++
			if key := digest(image, len(told.kept)); !seen[key] {
				seen[key] = true
				c.survives(image, told, fmt.Sprintf("after call %d (%s on %s), %g of what was not synced kept", i+1, k.name, k.file, p))
			}
		}
	}
	c.counts.note("different disks", len(seen))
}

func digest(image map[string][]byte, acked int) [32]byte {
	b, _ := json.Marshal(image) // of byte slices; it cannot fail
	return sha256.Sum256(fmt.Appendf(b, "%d", acked))
}

// survives opens a disk and looks for what was promised.
func (c *cell) survives(image map[string][]byte, told *promises, when string) {
	dir := filepath.Join(c.dir, "image")
	if err := put(image, dir); err != nil {
		c.h.t.Error(err)
		return
	}
	events, err := readStore(c, dir)
	if err != nil {
		c.finding(&c.counts.Unreadable, "%s: %v", when, err)
		return
	}
	if err := journal.Verify(events); err != nil {
		c.finding(&c.counts.Unreadable, "%s: %v", when, err)
	}
	for seq, hash := range told.kept {
		if seq > len(events) || events[seq-1].Hash != hash {
			c.finding(&c.counts.Lost, "%s: event %d was promised and is not there (%d of %d are)", when, seq, len(events), len(told.kept))
			return
		}
	}
	if n := len(events) - len(told.kept) - len(told.open); n > 1 {
		c.finding(&c.counts.Other, "%s: %d events more than were acknowledged", when, n)
	}
}

func readStore(c *cell, dir string) (events []journal.Event, err error) {
	ctx := c.h.t.Context()
	s, err := sqlite.Open(ctx, filepath.Join(dir, "runback.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	events, err = s.Events(ctx, "r-1")
	if errors.Is(err, journal.ErrNoRun) {
		err = nil
	}
	return events, err
}
