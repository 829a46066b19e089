package alembic

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

// judge says by the version of the database what became of an attempt whose
// sessions are all gone.
//
// Everything hangs on what is committed as a whole. Where it is the path, rows as
// before mean that nothing happened, whoever was killed. Where it is a revision,
// rows on the path mean that those before were done whole; that is known, so the
// step has ended (a Partial of the kind Ended), rather than being in doubt. It
// is not called NotApplied although Run could go on from there: a retry would
// prepare again, and -1 would then be counted from the middle. A revision that
// commits in the middle may be half done whatever the rows say.
func (st prepared) judge(heads []string, was ended) (actions.Verdict, error) {
	if same(heads, st.Target) {
		return actions.Applied, nil
	}
	at := st.index(heads)
	began := was.state != supervise.NotStarted && (was.state != supervise.Exited || !was.harmless())
	if at < 0 || at > 0 && !began {
		return actions.Foreign, fmt.Errorf("the version is %s; the step began at %s and leads to %s, so somebody else migrated", word(heads), word(st.From), word(st.Target))
	}
	next := st.Path[at]
	whole := st.Transaction != "statement" && !next.Breaks
	switch {
	case at == 0 && (whole || !began):
		return actions.NotApplied, nil
	case at > 0 && whole && st.Transaction == "revision":
		return actions.Partial, actions.Ended(fmt.Sprintf("go on with a new run: to: %s, or heads: [%s]", word(st.Target), word(st.Target)),
			"the database is at %s: %d of %d revisions are done, each as a whole, and the next, %s, was rolled back%s",
			word(heads), at, len(st.Path), next.Revision, because(was))
	case whole:
		return actions.Partial, fmt.Errorf("the database is at %s, in the middle of what should have been one transaction (%s → %s)%s", word(heads), word(st.From), word(st.Target), because(was))
	default:
		return actions.Partial, fmt.Errorf("the database is at %s, and revision %s, which commits in the middle, may be half done%s", word(heads), next.Revision, because(was))
	}
}

func because(was ended) string {
	switch {
	case was.state == supervise.Lost:
		return "; alembic was killed together with its supervisor"
	case was.state == supervise.Exited && !was.ok():
		return "; alembic: " + was.why()
	default:
		return ""
	}
}

// patience is how long sessions of a child that is gone may end by themselves:
// the server notices within client_connection_check_interval.
const patience = 1500 * time.Millisecond

// settle makes sure that nothing of an attempt is at work any more, and judges.
// InFlight means that a session has not ended yet.
func (st prepared) settle(ctx context.Context, c *actions.Call, conn *pg.Conn, was ended) (actions.Verdict, error) {
	if conn.ID.System != st.System || conn.ID.Database != st.Database {
		return actions.Unknown, actions.Refuse("check the target", "this is not the database that was prepared: %s at %s", conn.ID.Database, conn.ID.Server)
	}
	err := conn.Fence(ctx, c, pg.Application(c.Key, st.Child), patience)
	switch {
	case err != nil && ctx.Err() != nil:
		return actions.InFlight, actions.AtWork("see them in pg_stat_activity; when they are gone, resume", "the sessions of the migration were not seen to end")
	case err != nil:
		return actions.Unknown, fmt.Errorf("whether the migration is still at work cannot be seen: %w", err)
	}
	heads, err := st.Table.read(ctx, conn)
	if err != nil {
		return actions.Unknown, err
	}
	v, err := st.judge(heads, was)
	if v == actions.Partial && actions.KindOf(err) != actions.KindEnded {
		err = errors.Join(err, invalid(ctx, conn))
	}
	return v, err
}

// invalid tells of indexes that a CREATE INDEX CONCURRENTLY left behind.
func invalid(ctx context.Context, conn *pg.Conn) error {
	var names []string
	err := conn.QueryRow(ctx, "select coalesce(array_agg(indexrelid::regclass::text order by 1), '{}') from pg_index where not indisvalid").Scan(&names)
	if err != nil || len(names) == 0 {
		return pg.Explain(ctx, err, "looking for invalid indexes")
	}
	return fmt.Errorf("invalid indexes, as an interrupted CREATE or DROP INDEX CONCURRENTLY leaves them: %s", strings.Join(names, ", "))
}

// probe says what became of a move: first of the child, then of its sessions at
// the server, and only then of the version.
func (f family) probe(ctx context.Context, c *actions.Call, in moveIn, st prepared) (actions.Verdict, moveOut, error) {
	out := st.out()
	h, err := f.host(ctx, c, st.At.Pod)
	if err != nil {
		return actions.Unknown, out, err
	}
	was, err := h.look(ctx, st.Job)
	switch {
	case err != nil:
		return actions.Unknown, out, err
	case was.state == supervise.Running:
		return actions.InFlight, out, actions.AtWork("see to it that alembic ends; then resume", "alembic still runs")
	}
	conn, err := st.open(ctx, c, in)
	if err != nil {
		return actions.Unknown, out, err
	}
	defer conn.Close()
	v, err := st.settle(ctx, c, conn, was)
	return v, out, err
}

// open gives a session of our own, which is not among those of the child.
func (st prepared) open(ctx context.Context, c *actions.Call, in moveIn) (*pg.Conn, error) {
	t, err := c.Target.Database(in.Database)
	if err != nil {
		return nil, err
	}
	return pg.Open(ctx, t, pg.Application(c.Key, st.Child+"/side"))
}
