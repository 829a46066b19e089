package lock

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Held is a lock in our hands, in all its registers. One goroutine renews it
// until Release, which waits for it.
type Held struct {
	keeper Keeper
	lose   context.CancelCauseFunc
	mu     sync.Mutex
	parts  []part
	stop   context.CancelFunc
	done   chan struct{}
}

type part struct {
	register Register
	mine     Record
}

// Take takes every register, in order, or none. The context that it gives ends
// with a LostError as its cause when somebody took one of them away.
func (k Keeper) Take(ctx context.Context, me Holder, registers ...Register) (context.Context, *Held, error) {
	h := &Held{keeper: k, done: make(chan struct{})}
	for _, r := range registers {
		mine, err := k.take(ctx, r, me)
		if err != nil {
			return nil, nil, errors.Join(err, h.free(ctx))
		}
		h.parts = append(h.parts, part{r, mine})
	}
	held, lose := context.WithCancelCause(ctx)
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.lose, h.stop = lose, stop
	go h.renew(renewing)
	return held, h, nil
}

// Epoch gives the epoch of the register with that number.
func (h *Held) Epoch(register int) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.parts[register].mine.Epoch
}

// Check proves that the lock is still ours, by renewing it. It is asked right
// before each effect. A register that does not answer is an error of the kind
// unreachable: the run holds.
func (h *Held) Check(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.parts {
		p := &h.parts[i]
		mine, err := p.register.Renew(ctx, p.mine)
		if errors.Is(err, ErrMoved) {
			lost := &LostError{p.register.Where(), err}
			h.lose(lost)
			return lost
		}
		if err != nil {
			return err
		}
		p.mine = mine
	}
	return nil
}

// renew shows from time to time that we live. What goes wrong is not told here:
// the next Check meets it, and a loss ends the context of the run.
func (h *Held) renew(ctx context.Context) {
	defer close(h.done)
	for every := h.interval(); every > 0; {
		if h.keeper.Wait(ctx, every) != nil {
			return
		}
		if _, lost := errors.AsType[*LostError](h.Check(ctx)); lost {
			return
		}
	}
}

// interval is a third of the shortest time that a register allows, so that two
// renewals may fail before anybody may think us dead.
func (h *Held) interval() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var shortest time.Duration
	for _, p := range h.parts {
		if e := p.mine.Expires; e > 0 && (shortest == 0 || e < shortest) {
			shortest = e
		}
	}
	return shortest / 3
}

// releaseTime bounds letting go: a lock that cannot be freed is taken over as
// that of a dead holder.
const releaseTime = 5 * time.Second

// Release lets go of everything and ends the context of the lock.
func (h *Held) Release(ctx context.Context) error {
	h.stop()
	<-h.done
	defer h.lose(nil)
	return h.free(ctx)
}

func (h *Held) free(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	var errs []error
	for _, p := range slices.Backward(h.parts) {
		errs = append(errs, p.register.Free(ctx, p.mine))
	}
	return errors.Join(errs...)
}
