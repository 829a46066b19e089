package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errEnded is the parent of every orderly end.
var errEnded = errors.New("sandbox ended")

func keepError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: the command that started it went away: %w", errEnded, err)
}

// watch keeps the components running until a reason to end appears.
func (s *Supervisor) watch(ctx context.Context) error {
	owner := time.NewTicker(ownerInterval)
	defer owner.Stop()
	var ttl <-chan time.Time
	if s.opts.TTL > 0 {
		t := time.NewTimer(s.opts.TTL)
		defer t.Stop()
		ttl = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: told to stop", errEnded)
		case <-ttl:
			return fmt.Errorf("%w: it lived for %s", errEnded, s.opts.TTL)
		case <-owner.C:
			if s.opts.Owner.PID != 0 && !s.opts.Owner.Alive() {
				return fmt.Errorf("%w: its owner, process %d, is gone", errEnded, s.opts.Owner.PID)
			}
		case keep := <-s.opts.Keep:
			if err := keepError(keep); err != nil {
				return err
			}
			s.opts.Keep = nil
		case e := <-s.exits:
			if err := s.restart(ctx, e); err != nil {
				return err
			}
		}
	}
}

// restart brings a dead component back, as a machine's init system would.
func (s *Supervisor) restart(ctx context.Context, e exit) error {
	failure := s.failure(e)
	fmt.Fprintln(os.Stderr, "restarting:", failure)
	if e.child.diesTooOften(time.Now()) {
		return fmt.Errorf("gave up after %d restarts: %w", e.child.restarts, failure)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: told to stop", errEnded)
	case <-time.After(restartDelay):
	}
	if err := s.spawn(ctx, e.child); err != nil {
		return err
	}
	s.mu.Lock()
	e.child.restarts++
	s.mu.Unlock()
	return errors.Join(s.saveState(), s.writeEnv())
}
