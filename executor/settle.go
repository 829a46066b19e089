package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
)

// Close notes in the journal of a run that has ended that one of its
// obligations was put right.
func (r *Runner) Close(ctx context.Context, state *journal.State, c journal.Closed) (err error) {
	if state.Ended.IsZero() {
		return actions.Refuse("see: runback status "+state.ID, "run %s has not ended: its steps may still put it right", state.ID)
	}
	open := false
	for _, o := range state.Open {
		open = open || o.Key == c.Key
	}
	if !open {
		return actions.Invalid("see: runback status "+state.ID, "run %s has no open obligation %q", state.ID, c.Key)
	}
	keeper := lock.Keeper{Alive: r.Alive, Wait: r.Clock.Wait, Now: r.Clock.Now, Say: func(string) {}}
	claims := lock.Claims{Store: r.Store, Target: "notes of run " + state.ID}
	me := lock.Holder{Run: state.ID, Playbook: state.Started.Playbook, User: r.Who.User, Process: r.Who.Process}
	ctx, h, err := keeper.Take(ctx, me, claims)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Release(ctx)) }()
	w := journal.NewWriter(r.Store, claims.Claim(state.ID, h.Epoch(0)), r.Clock.forward(state.Latest).Now, state.Last, func(e journal.Event) { _ = state.Apply(e) }) // what we write decodes
	return w.Append(ctx, journal.ObligationClosed, "", c)
}

// CloseSettled notes in earlier runs on the same target what this one has put
// right, and tells which they were.
func (r *Runner) CloseSettled(ctx context.Context, done *journal.State) ([]string, error) {
	settled := map[string]bool{}
	for _, path := range done.Acted {
		if done.Steps[path].Intent == nil {
			continue // a person decided to do it again
		}
		for _, key := range done.Steps[path].Intent.Settles {
			settled[key] = true
		}
	}
	if len(settled) == 0 {
		return nil, nil
	}
	spans, err := r.Store.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var told []string
	for _, span := range spans {
		if span.First.Run == done.ID {
			continue
		}
		keys, err := r.closeIn(ctx, span.First.Run, done, settled)
		if err != nil {
			return told, fmt.Errorf("run %s: %w", span.First.Run, err)
		}
		told = append(told, keys...)
	}
	return told, nil
}

func (r *Runner) closeIn(ctx context.Context, run string, done *journal.State, settled map[string]bool) ([]string, error) {
	events, err := r.Store.Events(ctx, run)
	if err != nil {
		return nil, err
	}
	state, err := journal.Fold(events)
	if err != nil || state.Ended.IsZero() || !SharesTarget(state.Started.Identity, done.Started.Identity) {
		return nil, nil //nolint:nilerr // a damaged journal is told by runs and verify, and nothing is added to it
	}
	var told []string
	for _, o := range append([]journal.Owed(nil), state.Open...) {
		if !settled[o.Key] {
			continue
		}
		if err := r.Close(ctx, state, journal.Closed{Key: o.Key, User: r.Who.User, Run: done.ID}); err != nil {
			return told, err
		}
		told = append(told, run+": "+o.What)
	}
	return told, nil
}
