package lock

import (
	"context"
	"errors"
	"strconv"

	"github.com/runbackhq/runback/internal/journal"
)

// Claims is the register in the store: the claim that every append carries.
type Claims struct {
	Store  journal.Store
	Target string // what is locked, the same for every context that leads there
}

var _ Register = Claims{}

// Where implements Register.
func (c Claims) Where() string { return "the store's lock on " + c.Target }

// Read implements Register.
func (c Claims) Read(ctx context.Context) (Record, error) {
	h, err := c.Store.Holding(ctx, c.Target)
	if err != nil {
		return Record{}, err
	}
	rec := Record{Epoch: h.Epoch, Version: strconv.FormatInt(h.Epoch, 10)}
	if !h.Held {
		return rec, nil
	}
	if h.By.PID == 0 {
		rec.Poison = "its process is not recorded"
		return rec, nil
	}
	rec.Holder = &Holder{Run: h.Run, Process: h.By}
	return rec, nil
}

// Take implements Register.
func (c Claims) Take(ctx context.Context, was Record, h Holder) (Record, error) {
	held := journal.Holding{Target: c.Target, Epoch: was.Epoch, Held: was.Holder != nil}
	claim, err := c.Store.Claim(ctx, held, h.Run, h.Process)
	if errors.Is(err, journal.ErrOvertaken) {
		return Record{}, ErrMoved
	}
	return Record{Epoch: claim.Epoch, Holder: &h}, err
}

// Renew implements Register. The store asks for the claim at every append, so
// there is nothing to prove here but that it is still the newest.
func (c Claims) Renew(ctx context.Context, mine Record) (Record, error) {
	h, err := c.Store.Holding(ctx, c.Target)
	if err == nil && (h.Epoch != mine.Epoch || !h.Held) {
		err = ErrMoved
	}
	return mine, err
}

// Free implements Register.
func (c Claims) Free(ctx context.Context, mine Record) error {
	return c.Store.Release(ctx, c.Claim(mine.Holder.Run, mine.Epoch))
}

// Claim gives the claim that appends carry.
func (c Claims) Claim(run string, epoch int64) journal.Claim {
	return journal.Claim{Target: c.Target, Run: run, Epoch: epoch}
}
