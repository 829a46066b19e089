package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/internal/pg"
)

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
	if conn.ID.Version < 130000 {
		_, err = conn.Exec(ctx, sql)
		return pg.Explain(ctx, err, "dropping database "+b.Name)
	}
	_, err = conn.Exec(ctx, sql+" with (force)")
	if pg.NotAllowed(err) {
		// An autovacuum worker in it belongs to nobody, so that who is no superuser
		// may not end it by force. Without force the server sends it away by itself
		// (PostgreSQL, storage/ipc/procarray.c: TerminateOtherDBBackends and
		// CountOtherDBBackends).
		_, err = conn.Exec(ctx, sql)
	}
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
