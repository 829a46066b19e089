package executor

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
)

// holding is the lock of a run: its claim on the journal, and the locks that live
// with the target.
type holding struct {
	*lock.Held
	claim journal.Claim
}

// lock makes sure that this executor is the only one that acts on the target.
// The context that it gives ends when that is no longer so.
func (r *Runner) lock(ctx context.Context, run, playbook string, t actions.Target, id journal.Identity) (context.Context, *holding, error) {
	there, err := r.World.Locks(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	keys := targetKeys(run, id)
	claims := lock.Claims{Store: r.Store, Target: keys[0]}
	registers := []lock.Register{claims}
	for _, key := range keys[1:] {
		registers = append(registers, lock.Claims{Store: r.Store, Target: key})
	}
	keeper := lock.Keeper{Alive: r.Alive, Wait: r.Clock.Wait, Now: r.Clock.Now, Say: func(line string) { r.Watch.Say("", line) }}
	me := lock.Holder{Run: run, Playbook: playbook, User: r.Who.User, Process: r.Who.Process}
	// The store comes first: it is near, and a refusal there costs nothing.
	locked, h, err := keeper.Take(ctx, me, append(registers, there...)...)
	if err != nil {
		return nil, nil, err
	}
	return locked, &holding{h, claims.Claim(run, h.Epoch(0))}, nil
}

// targetKeys names what is locked by what it is, not by how it was reached: two
// contexts may lead to one cluster. What acts on nothing that has an identity
// is locked against itself only. Every append carries the claim on the first.
func targetKeys(run string, id journal.Identity) []string {
	var keys []string
	if id["cluster"] != "" {
		keys = append(keys, "cluster "+id["cluster"]+" namespace "+cmp.Or(id["namespace_uid"], id["namespace"]))
	}
	for _, key := range slices.Sorted(maps.Keys(id)) {
		part, name, field := cutKey(key)
		of := func(field string) string { return id[part+"."+name+"."+field] }
		switch {
		case part == "database" && field == "system":
			keys = append(keys, "database "+of("database")+" of server "+of("system"))
		case part == "terraform" && field == "dir":
			keys = append(keys, "terraform state "+cmp.Or(of("lineage"), of("dir"))+" workspace "+of("workspace"))
		}
	}
	keys = slices.Compact(keys) // one database under two names is one thing to lock
	if len(keys) == 0 {
		return []string{"run " + run}
	}
	return keys
}

// cutKey takes a key of an identity apart: "database.app.system".
func cutKey(key string) (part, name, field string) {
	part, rest, _ := strings.Cut(key, ".")
	if i := strings.LastIndex(rest, "."); i >= 0 {
		return part, rest[:i], rest[i+1:]
	}
	return "", "", key
}

// holder says who holds the locks that live with the target, "" when nobody
// does or it cannot be told: a plan is not refused for it.
func (r *Runner) holder(ctx context.Context, t actions.Target) string {
	registers, err := r.World.Locks(ctx, t)
	if err != nil {
		return ""
	}
	for _, reg := range registers {
		rec, err := reg.Read(ctx)
		switch {
		case err != nil:
		case rec.Poison != "":
			return (&lock.PoisonedError{Where: reg.Where(), Reason: rec.Poison}).Error()
		case rec.Holder != nil:
			if alive, known := r.Alive(rec.Holder.Process); known && !alive {
				continue // a run follows it at once
			}
			return reg.Where() + " is held by " + rec.Holder.String()
		}
	}
	return ""
}

func (r *Runner) unlock(ctx context.Context, h *holding) {
	if err := h.Release(ctx); err != nil {
		r.Watch.Say("", "the lock could not be released and will be taken over as that of a process that is gone: "+err.Error())
	}
}

// lostLock says that the run may not act any more.
func lostLock(err error) bool {
	_, lost := errors.AsType[*lock.LostError](err)
	return lost
}
