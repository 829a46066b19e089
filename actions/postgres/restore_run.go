package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/supervise"
)

// restoring is one call of Run: what it was given, and nothing that it finds.
type restoring struct {
	restore
	c  *actions.Call
	in restoreIn
	st restoreState
}

// run looks how far the restore has come and goes on from there, so that it may
// be called again after a crash with the same state.
func (a restore) run(ctx context.Context, c *actions.Call, in restoreIn, st restoreState) (restoreOut, error) {
	if st.Live == "" || st.Aside == "" {
		return restoreOut{}, errors.New("nothing was prepared")
	}
	r := restoring{a, c, in, st}
	p, err := r.arrive(ctx)
	if err != nil {
		return restoreOut{}, err
	}
	switch p.stage {
	case strange:
		return restoreOut{}, errors.New(p.account) // the probe says the same
	case swapped:
		return r.out(ctx)
	case untouched, unfinished:
		if err := r.sameDump(ctx, p); err != nil {
			return restoreOut{}, err
		}
		if p.aside, err = r.fill(ctx, p); err != nil {
			return restoreOut{}, acted(err)
		}
	case loaded:
	}
	if err := r.finish(ctx, p.aside); err != nil {
		return restoreOut{}, acted(fmt.Errorf("%w; database %s is whole and was left: drop it with postgres.drop_kept", err, st.Aside))
	}
	return r.out(ctx)
}

// fencePatience is the time that sessions of a dead process have to end by
// themselves.
const fencePatience = time.Second

// open connects to the database from which the others are renamed.
func (r restoring) open(ctx context.Context) (*pg.Conn, error) {
	return r.in.openOther(ctx, r.c, r.in.Maintenance)
}

// arrive waits until nothing that an executor before us left is at work, and
// says where things stand. A child that goes on is no such thing.
func (r restoring) arrive(ctx context.Context) (position, error) {
	conn, err := r.open(ctx)
	if err != nil {
		return position{}, err
	}
	defer conn.Close()
	if err := conn.Fence(ctx, r.c, application(r.c), fencePatience); err != nil {
		return position{}, err
	}
	return r.st.where(ctx, conn, r.c.Key)
}

// sameDump asks for the sum of the dump once more: between review and run it may
// have been replaced.
func (r restoring) sameDump(ctx context.Context, p position) error {
	now, _, err := r.sums.of(ctx, r.st.File)
	if err == nil && now == r.st.imprint {
		return nil
	}
	changed := actions.Conflict("run the playbook again", "the dump %s is not the one that was prepared", r.st.File)
	if p.stage == untouched {
		return changed // nothing was written
	}
	return acted(errors.Join(changed, r.discard(ctx, "the dump is another one by now")))
}

// fill gives an aside database that is whole: it attaches to the child that
// fills it, or makes it anew.
func (r restoring) fill(ctx context.Context, p position) (base, error) {
	attach := false
	if p.stage == unfinished {
		end, err := r.room.Look(r.st.job(p.aside.OID))
		if err != nil {
			return base{}, err
		}
		attach = end.State == supervise.Running || end.State == supervise.Exited && r.good(end)
	}
	if !attach {
		var err error
		if p.aside, err = r.create(ctx, p.aside); err != nil {
			return base{}, errors.Join(err, r.discard(ctx, "it could not be made ready"))
		}
	}
	if err := r.load(ctx, p.aside); err != nil {
		return base{}, errors.Join(err, r.discard(ctx, "the restore did not succeed"))
	}
	return p.aside, r.markWhole(ctx, p.aside)
}

func (r restoring) markWhole(ctx context.Context, aside base) error {
	conn, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return comment(ctx, conn, aside.Name, r.st.mark(r.c.Key, true))
}

func comment(ctx context.Context, conn *pg.Conn, name, text string) error {
	_, err := conn.Exec(ctx, "comment on database "+ident(name)+" is "+literal(text))
	return pg.Explain(ctx, err, "marking database "+name)
}
