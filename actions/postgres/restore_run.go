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

// sameDump reads the dump once more: between review and run it may have been
// replaced.
func (r restoring) sameDump(ctx context.Context, p position) error {
	now, _, err := fingerprint(r.st.File)
	if err == nil && now == r.st.print {
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

// create makes the aside database, empty, as the live one is made: owner,
// encoding, locale, tablespace. One that is there already is half restored, and
// dropped first.
func (r restoring) create(ctx context.Context, old base) (base, error) {
	conn, err := r.open(ctx)
	if err != nil {
		return base{}, err
	}
	defer conn.Close()
	if err := conn.Fence(ctx, r.c, r.child(), fencePatience); err != nil {
		return base{}, err
	}
	if old.there {
		if err := drop(ctx, conn, old); err != nil {
			return base{}, err
		}
	}
	like, err := likeness(ctx, conn, r.st.OID)
	if err != nil {
		return base{}, err
	}
	sql := fmt.Sprintf("create database %s template template0 connection limit %d%s", ident(r.st.Aside), nonce(r.st.Aside), like)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return base{}, pg.Explain(ctx, err, "creating database "+r.st.Aside)
	}
	if err := comment(ctx, conn, r.st.Aside, r.st.mark(r.c.Key, false)); err != nil {
		return base{}, err
	}
	p, err := r.st.where(ctx, conn, r.c.Key)
	if err == nil && p.stage != unfinished {
		err = fmt.Errorf("database %s is not as it was made: %s", r.st.Aside, p.account)
	}
	return p.aside, err
}

// likeness writes the options of CREATE DATABASE that make a database like
// another one. A tablespace is named only when it is not that of the template:
// naming the default one needs a privilege that leaving it out does not.
func likeness(ctx context.Context, conn *pg.Conn, oid uint32) (string, error) {
	locale := "null"
	switch v := conn.ID.Version; {
	case v >= 170000:
		locale = "case d.datlocprovider when 'i' then ' locale_provider icu icu_locale ' || quote_literal(d.datlocale) when 'b' then ' locale_provider builtin builtin_locale ' || quote_literal(d.datlocale) end"
	case v >= 150000:
		locale = "case d.datlocprovider when 'i' then ' locale_provider icu icu_locale ' || quote_literal(d.daticulocale) end"
	}
	var like string
	err := conn.QueryRow(ctx, `select ' owner ' || quote_ident(pg_get_userbyid(d.datdba)) || ' encoding ' || quote_literal(pg_encoding_to_char(d.encoding))
		|| ' lc_collate ' || quote_literal(d.datcollate) || ' lc_ctype ' || quote_literal(d.datctype) || coalesce(`+locale+`, '')
		|| case when d.dattablespace <> t.dattablespace then ' tablespace ' || quote_ident(s.spcname) else '' end
		from pg_database d join pg_tablespace s on s.oid = d.dattablespace, pg_database t where d.oid = $1 and t.datname = 'template0'`, oid).Scan(&like)
	return like, pg.Explain(ctx, err, "asking how the database is made")
}

// drop removes a database that is still the one that was looked at.
func drop(ctx context.Context, conn *pg.Conn, b base) error {
	all, err := find(ctx, conn, b.Name)
	if err != nil {
		return err
	}
	if now := all[b.Name]; !now.there || now.OID != b.OID || now.Comment != b.Comment {
		return fmt.Errorf("database %s is not the one that was to be dropped", b.Name)
	}
	sql := "drop database " + ident(b.Name)
	if conn.ID.Version >= 130000 {
		sql += " with (force)"
	}
	_, err = conn.Exec(ctx, sql)
	return pg.Explain(ctx, err, "dropping database "+b.Name)
}

// farewell bounds what is done after the time of the step is over.
const farewell = 20 * time.Second

// discard removes what was half restored. It is of no use to anybody, and takes
// room.
func (r restoring) discard(ctx context.Context, why string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	err := r.removeAside(ctx)
	if err != nil {
		return fmt.Errorf("database %s was left, because %s and it could not be dropped: %w", r.st.Aside, why, err)
	}
	return nil
}

func (r restoring) removeAside(ctx context.Context) error {
	conn, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	p, err := r.st.where(ctx, conn, r.c.Key)
	if err != nil || p.stage != unfinished {
		return err
	}
	if err := conn.Fence(ctx, r.c, r.child(), 0); err != nil {
		return err
	}
	return drop(ctx, conn, p.aside)
}
