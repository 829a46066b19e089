package alembic

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/supervise"
)

// run goes the path that was prepared, or attaches to the child that goes it. An
// attempt that ended without effect is begun once more.
func (f family) run(ctx context.Context, c *actions.Call, in moveIn, st prepared, d direction) (moveOut, error) {
	out := st.out()
	h, err := f.host(ctx, c, st.At.Pod)
	if err != nil {
		return out, err
	}
	was, err := h.look(ctx, st.Job)
	if err != nil {
		return out, err
	}
	conn, err := st.open(ctx, c, in)
	if err != nil {
		return out, err
	}
	defer func() { conn.Close() }()
	if was.state == supervise.Running {
		return f.attend(ctx, c, in, st, conn, d, ended{}, out)
	}
	if was.state != supervise.NotStarted || len(st.Path) == 0 {
		switch v, err := st.settle(ctx, c, conn, was); {
		case v == actions.Applied:
			return out, nil
		case v != actions.NotApplied:
			return out, errors.Join(fmt.Errorf("it was begun before and is not begun again (%s)", v), err)
		}
	}
	if err := st.unmoved(ctx, conn, in); err != nil {
		return out, err
	}
	if out.LostRows, err = st.lost(ctx, conn); err != nil {
		return out, err
	}
	return f.attend(ctx, c, in, st, conn, d, was, out)
}

// unmoved claims the migration for us, and refuses when anything is not as it
// was prepared. Nothing was written so far.
func (st prepared) unmoved(ctx context.Context, conn *pg.Conn, in moveIn) error {
	if conn.ID.System != st.System || conn.ID.Database != st.Database {
		return actions.Refuse("check the target", "this is not the database that was prepared: %s at %s; nothing was changed", conn.ID.Database, conn.ID.Server)
	}
	if err := st.Table.claim(ctx, conn); err != nil {
		return err
	}
	heads, err := st.Table.read(ctx, conn)
	if err != nil {
		return err
	}
	if !same(heads, st.From) {
		return actions.Conflict("run it again, it is prepared anew", "the version is %s by now, it was %s when the step was prepared; nothing was changed", word(heads), word(st.From))
	}
	for i, l := range st.Losses {
		if l.Table != (table{}) && !in.AcceptDataLoss {
			if st.Losses[i].Holds, err = l.holds(ctx, conn); err != nil {
				return err
			}
		}
	}
	return consent(ctx, conn, st.Losses, in.AcceptDataLoss)
}

// lost counts what will be lost, as it is right before.
func (st prepared) lost(ctx context.Context, conn *pg.Conn) (*int, error) {
	sum := 0
	for _, l := range st.Losses {
		s, err := l.measure(ctx, conn)
		if err != nil {
			return nil, err
		}
		if s.Rows == nil {
			return nil, nil //nolint:nilnil // not known
		}
		sum += int(*s.Rows)
	}
	return &sum, nil
}

// attend starts the child or attaches to it, waits for its end, and believes
// the version of the database.
func (f family) attend(ctx context.Context, c *actions.Call, in moveIn, st prepared, conn *pg.Conn, d direction, was ended, out moveOut) (moveOut, error) {
	t, err := c.Target.Database(in.Database)
	if err != nil {
		return out, err
	}
	o, err := in.order(ctx, st.At, session{t, conn.ID, pg.Application(c.Key, st.Child)}, instruction{
		Mode: "run", Direction: string(d), To: one(st.Target), From: st.From, ToHeads: st.Target, Path: st.orders(in.AcceptDataLoss), Files: st.Files,
		Lock: [2]int32{lockOfMigration, st.Table.lockKey()},
	})
	if err != nil {
		return out, err
	}
	o.Grace = in.Grace.Std()
	h, err := f.host(ctx, c, st.At.Pod)
	if err != nil {
		return out, err
	}
	e, err := h.do(ctx, c, st.Job, o, was.dir)
	switch {
	case err != nil:
		return out, err
	case e.state == supervise.NotStarted:
		return out, errors.New("alembic was not started")
	case e.state == supervise.Exited && e.harmless():
		return out, e.failure(t.URL)
	}
	return out, f.verify(ctx, c, in, st, e)
}

// one names heads where a single revision is asked for.
func one(heads []string) string {
	switch len(heads) {
	case 0:
		return "base"
	case 1:
		return heads[0]
	default:
		return "heads"
	}
}

// verify compares the version with the target. The session from before the child
// ran may be broken by now, so it is a new one; and the time of the step may be
// over, so it has its own.
func (f family) verify(ctx context.Context, c *actions.Call, in moveIn, st prepared, e ended) error {
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
	defer cancel()
	var failed error
	if !e.ok() {
		failed = actions.Cause(ctx, e.failure(""))
	}
	conn, err := st.open(ask, c, in)
	if err != nil {
		return errors.Join(failed, err)
	}
	defer conn.Close()
	v, err := st.settle(ask, c, conn, e)
	switch {
	case v == actions.Applied && (e.ok() || e.state == supervise.Lost):
		return nil
	case v == actions.NotApplied && e.ok():
		return errors.New("alembic says that it is done, and the version is still " + word(st.From) + ": does env.py commit?")
	case actions.KindOf(err) == actions.KindEnded:
		return err
	case failed != nil:
		return failed // the executor asks once more, and tells what is there
	default:
		return errors.Join(fmt.Errorf("alembic says that it is done; the version says %s", v), err)
	}
}
