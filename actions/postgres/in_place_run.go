package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/supervise"
)

func (a inPlace) run(ctx context.Context, c *actions.Call, in inPlaceIn, st inPlaceState) (inPlaceOut, error) {
	if st.Live == "" {
		return inPlaceOut{}, errors.New("nothing was prepared")
	}
	t, err := c.Target.Database(in.Database)
	if err != nil {
		return inPlaceOut{}, err
	}
	n, before, err := a.last(st)
	if err != nil {
		return inPlaceOut{}, err
	}
	done, err := a.fenced(ctx, c, in, st)
	if err != nil || done {
		return st.out(), err
	}
	if !running(before) {
		n++
	}
	if now, _, err := a.sums.of(ctx, st.File); err != nil || now != st.imprint {
		return inPlaceOut{}, actions.Conflict("run the playbook again", "the dump %s is not the one that was prepared", st.File)
	}
	p, err := pg.ForChild(t, st.Live, pg.Application(c.Key, st.Child), map[string]string{"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"})
	if err != nil {
		return inPlaceOut{}, err
	}
	after := "comment on database " + ident(st.Live) + " is " + literal(st.marked(c.Key)) + ";\n"
	end, err := a.room.Do(ctx, c, st.job(n), st.order(c, p, st.Live, 1, st.locks(in), after))
	switch {
	case err != nil:
		return inPlaceOut{}, err
	case end.State == supervise.Exited && ctx.Err() == nil && !st.good(end):
		return inPlaceOut{}, &actions.Error{Kind: actions.KindFailed, Hint: end.Hint(), Err: errors.New("the restore failed, nothing was changed: " + end.How("psql") + firstError(end))}
	case end.State == supervise.Lost:
		return inPlaceOut{}, end.Lost()
	}
	if done, err = a.fenced(context.WithoutCancel(ctx), c, in, st); err == nil && !done {
		err = errors.Join(errors.New("the restore did not come to its end, nothing was changed"), context.Cause(ctx))
	}
	return st.out(), err
}

// mostLocks keeps the statement within what a variable of a process may hold.
const mostLocks = 64 << 10

// locks takes the locks of all tables before anything is done. The scripts of
// pg_dump switch lock_timeout off, and would wait in the middle for ever.
func (st inPlaceState) locks(in inPlaceIn) string {
	sql := fmt.Sprintf("set local lock_timeout = '%dms';\n", in.LockTimeout.Std().Milliseconds())
	if all := strings.Join(st.Locks, ", "); all != "" && len(all) < mostLocks {
		sql += "lock table " + all + " in access exclusive mode;\n"
	}
	return sql
}

func (st inPlaceState) out() inPlaceOut {
	return inPlaceOut{Database: st.Live, Made: st.Made, SHA256: st.SHA256, Tables: st.Tables, Rows: int(st.Rows)}
}

// fenced waits until no session of the child is left, unless it runs, and says
// whether its transaction was committed.
func (a inPlace) fenced(ctx context.Context, c *actions.Call, in inPlaceIn, st inPlaceState) (done bool, err error) {
	conn, err := in.open(ctx, c)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	_, end, err := a.last(st)
	if err != nil {
		return false, err
	}
	if !running(end) {
		if err := conn.Fence(ctx, c, pg.Application(c.Key, st.Child), time.Second); err != nil {
			return false, err
		}
	}
	return st.done(ctx, conn, c.Key)
}

func (st inPlaceState) done(ctx context.Context, conn *pg.Conn, key string) (bool, error) {
	all, err := find(ctx, conn, st.Live)
	return all[st.Live].Comment == st.marked(key) && all[st.Live].OID == st.OID, err
}

func (a inPlace) probe(ctx context.Context, c *actions.Call, in inPlaceIn, st inPlaceState) (actions.Verdict, inPlaceOut, error) {
	_, end, err := a.last(st)
	if err != nil {
		return actions.Unknown, inPlaceOut{}, err
	}
	if running(end) {
		return actions.InFlight, inPlaceOut{}, end.AtWork()
	}
	conn, err := in.open(ctx, c)
	if err != nil {
		return actions.Unknown, inPlaceOut{}, err
	}
	defer conn.Close()
	if conn.ID.OID != st.OID {
		return actions.Foreign, inPlaceOut{}, actions.Refuse("list them with: psql -l", "database %s has OID %d and had %d: somebody else replaced it", st.Live, conn.ID.OID, st.OID)
	}
	left, err := ended(ctx, c, conn, pg.Application(c.Key, st.Child))
	if err != nil {
		return actions.Unknown, inPlaceOut{}, err
	}
	if left {
		return actions.InFlight, inPlaceOut{}, sessionsAtWork()
	}
	done, err := st.done(ctx, conn, c.Key)
	switch {
	case err != nil:
		return actions.Unknown, inPlaceOut{}, err
	case done:
		return actions.Applied, st.out(), nil
	}
	return actions.NotApplied, inPlaceOut{}, nil
}
