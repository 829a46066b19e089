package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// finish makes the aside database fit for use, verifies it, and swaps.
func (r restoring) finish(ctx context.Context, aside base) error {
	if err := r.analyse(ctx); err != nil {
		return err
	}
	if err := r.verify(ctx); err != nil {
		return err
	}
	if err := r.rehearse(ctx, aside); err != nil {
		return err
	}
	r.c.Say("exchanging the names")
	return r.exchange(aside).run(ctx, r.c)
}

// inside connects to the aside database.
func (r restoring) inside(ctx context.Context) (*pg.Conn, error) {
	return r.in.openOther(ctx, r.c, r.st.Aside)
}

// analyse gives the planner its statistics, which no dump holds: without them
// the first minutes are slow.
func (r restoring) analyse(ctx context.Context) error {
	conn, err := r.inside(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	r.c.Say("collecting statistics")
	for _, sql := range []string{"set statement_timeout = 0", "set client_min_messages = error", "analyze"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return pg.Explain(ctx, err, "collecting statistics")
		}
	}
	return nil
}

// verify asks what the playbook wants to be true of the restored database.
func (r restoring) verify(ctx context.Context) error {
	for _, sql := range r.in.Verify {
		r.c.Say("verifying: " + shortened(sql))
		if err := r.holds(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// verifyTime bounds one statement; the deadline of the step bounds all.
const verifyTime = 5 * time.Minute

func (r restoring) holds(ctx context.Context, sql string) error {
	conn, err := r.inside(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ro, err := beginReadOnly(ctx, conn, verifyTime)
	if err != nil {
		return err
	}
	defer ro.end()
	rows, err := ro.query(ctx, sql, nil)
	if err != nil {
		return fmt.Errorf("verify %q: %w", shortened(sql), err)
	}
	defer rows.Close()
	out := collect(rows, 1)
	if err := rows.Err(); err != nil {
		return fmt.Errorf("verify %q: %w", shortened(sql), explainQuery(ctx, err))
	}
	switch out.Value {
	case nil, false, 0, 0.0, "":
		return fmt.Errorf("verify %q: the restored database gives %v, so it was not put in place", shortened(sql), out.Value)
	}
	return nil
}

// rehearse puts on the settings before anybody is thrown out: what cannot be put
// on is found out now.
func (r restoring) rehearse(ctx context.Context, aside base) error {
	conn, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return pg.Explain(ctx, err, "rehearsing the swap")
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // a rehearsal
	return dress(ctx, tx, r.st.OID, aside)
}

// exchange is the swap of this restore. The comment of the live database stays
// with the name, and with the old one it is told who keeps it since when.
func (r restoring) exchange(aside base) exchange {
	return exchange{
		w: r.in.which, maintenance: r.in.Maintenance, goes: r.st.Kept, comes: aside,
		live: base{Name: r.st.Live, OID: r.st.OID},
		comment: func(live, _ base, now time.Time) (string, string) {
			return live.Comment, keptComment(r.c.Key, r.st.Live, now, live.Comment)
		},
	}
}

// keptComment says whose a kept database is, since when, and what its comment
// was.
func keptComment(key, of string, now time.Time, was string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s%s since %s, it was %s\n%s", keptMark, key, now.UTC().Format(time.RFC3339Nano), of, was), "\n")
}

// keptSince reads such a comment.
func keptSince(comment string) (since time.Time, was string, ok bool) {
	first, was, _ := strings.Cut(comment, "\n")
	rest, ok := strings.CutPrefix(first, keptMark)
	_, at, found := strings.Cut(rest, " since ")
	at, _, _ = strings.Cut(at, ",")
	since, err := time.Parse(time.RFC3339Nano, at)
	return since, was, ok && found && err == nil
}

// out reads the outputs from the server, so that a probe gives the same ones.
func (r restoring) out(ctx context.Context) (restoreOut, error) {
	conn, err := r.open(ctx)
	if err != nil {
		return restoreOut{}, err
	}
	defer conn.Close()
	p, err := r.st.where(ctx, conn, r.c.Key)
	if err != nil {
		return restoreOut{}, err
	}
	out := restoreOut{
		Database: r.st.Live, OID: int(p.live.OID), Kept: r.st.Kept, KeptOID: int(p.kept.OID), Made: r.st.Made,
		SHA256: r.st.SHA256, Format: string(r.st.Format), Tables: r.st.Tables, Rows: int(r.st.Rows),
	}
	since, _, ok := keptSince(p.kept.Comment)
	made, err := time.Parse(time.RFC3339, r.st.Made)
	if ok && err == nil {
		lost := since.Sub(made).Seconds()
		out.Lost = &lost
	}
	return out, nil
}

// probe asks the supervisor of the child and the catalogue of the server. That
// the child is gone does not mean that its sessions are (finding 7 of the
// reference): they are ended before anything is believed.
func (a restore) probe(ctx context.Context, c *actions.Call, in restoreIn, st restoreState) (actions.Verdict, restoreOut, error) {
	r := restoring{a, c, in, st}
	conn, err := r.open(ctx)
	if err != nil {
		return actions.Unknown, restoreOut{}, err
	}
	defer conn.Close()
	p, err := st.where(ctx, conn, c.Key)
	if err != nil {
		return actions.Unknown, restoreOut{}, err
	}
	if p.aside.there {
		end, err := a.room.Look(st.job(p.aside.OID))
		if err != nil {
			return actions.Unknown, restoreOut{}, err
		}
		if running(end) {
			return actions.InFlight, restoreOut{}, end.AtWork()
		}
	}
	for _, name := range []string{application(c), r.child()} {
		left, err := ended(ctx, c, conn, name)
		if err != nil {
			return actions.Unknown, restoreOut{}, err
		}
		if left {
			return actions.InFlight, restoreOut{}, sessionsAtWork()
		}
	}
	if p, err = st.where(ctx, conn, c.Key); err != nil { // an orphan may have committed
		return actions.Unknown, restoreOut{}, err
	}
	switch p.stage {
	case swapped:
		out, err := r.out(ctx)
		return actions.Applied, out, err
	case strange:
		return actions.Foreign, restoreOut{}, p.refused()
	default:
		return actions.NotApplied, restoreOut{}, nil
	}
}
