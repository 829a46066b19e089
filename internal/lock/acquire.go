package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// Keeper takes locks. Its clocks are injected.
type Keeper struct {
	// Alive says whether a process runs, and whether that can be known here.
	Alive func(journal.Process) (alive, known bool)
	// Wait sleeps for d or until ctx ends, and then gives the cause.
	Wait func(ctx context.Context, d time.Duration) error
	// Now tells the time; only differences are used.
	Now func() time.Time
	// Say tells the operator why it takes a while.
	Say func(line string)
}

// glance is the pause between two looks at a holder elsewhere.
const glance = 500 * time.Millisecond

// take takes one register, or says who holds it.
func (k Keeper) take(ctx context.Context, r Register, me Holder) (Record, error) {
	watch := watched{}
	for {
		rec, err := r.Read(ctx)
		if err != nil {
			return Record{}, err
		}
		if rec.Holder != nil && rec.Holder.Run == me.Run && rec.Holder.Process == me.Process {
			return rec, nil // taken a moment ago, by a write whose reply was lost
		}
		why, err := k.free(r, rec, &watch)
		if err != nil {
			return Record{}, err
		}
		if why == "" {
			if err := k.Wait(ctx, glance); err != nil {
				return Record{}, err
			}
			continue
		}
		mine, err := r.Take(ctx, rec, me)
		if !errors.Is(err, ErrMoved) {
			// That a run follows its own dead executor is what a resume is for.
			if err == nil && rec.Holder != nil && rec.Holder.Run != me.Run {
				k.Say(fmt.Sprintf("took %s over from %s: %s", r.Where(), rec.Holder, why))
			}
			return mine, err
		}
		watch = watched{} // somebody was faster: look who
	}
}

// watched is a holder elsewhere that is looked at until it moves or its time is
// over.
type watched struct {
	version string
	since   time.Time
}

// free says why the record may be taken, "" when that is not known yet, and
// fails when it may not.
func (k Keeper) free(r Register, rec Record, w *watched) (why string, err error) {
	if rec.Poison != "" {
		return "", &PoisonedError{r.Where(), rec.Poison}
	}
	if rec.Holder == nil {
		return "nobody holds it", nil
	}
	alive, known := k.Alive(rec.Holder.Process)
	switch {
	case alive:
		return "", &HeldError{r.Where(), *rec.Holder, "that process is running"}
	case known:
		return "that process is gone", nil
	case rec.Expires == 0:
		return "", &HeldError{r.Where(), *rec.Holder, "whether it still runs cannot be seen from this machine"}
	case w.version == "":
		k.Say(fmt.Sprintf("%s is held by %s; waiting up to %s to see whether it lives", r.Where(), rec.Holder, rec.Expires))
		*w = watched{rec.Version, k.Now()}
		return "", nil
	case w.version != rec.Version:
		return "", &HeldError{r.Where(), *rec.Holder, "it was renewed a moment ago"}
	case k.Now().Sub(w.since) >= rec.Expires:
		return fmt.Sprintf("it was not renewed for %s", rec.Expires), nil
	}
	return "", nil
}
