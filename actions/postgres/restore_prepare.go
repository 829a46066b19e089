package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/tool"
)

func (a restore) prepare(ctx context.Context, c *actions.Call, in restoreIn) (restoreState, error) {
	var st restoreState
	if err := in.valid(); err != nil {
		return st, err
	}
	conn, err := in.open(ctx, c) // before the dump is read: that may take long
	if err != nil {
		return st, err
	}
	conn.Close()
	d, facts, err := a.openDump(ctx, c, in.File, in.Bin, in.KeepOwners, false)
	if err != nil {
		return st, err
	}
	if conn, err = in.open(ctx, c); err != nil {
		return st, err
	}
	defer conn.Close()
	st.dump, st.Live, st.OID = *d, conn.ID.Database, conn.ID.OID
	job := tool.Announce(c.Key)
	st.Child, st.Host = job.Child, job.Host
	st.Aside, st.Kept = besides(st.Live, "rb", c.Key), besides(st.Live, "was", c.Key)
	if err := mayReplace(ctx, conn, in.Maintenance); err != nil {
		return st, err
	}
	if err := suits(ctx, conn, d, facts); err != nil {
		return st, err
	}
	if st.Missing, st.Emptied, err = losses(ctx, conn, facts); err != nil {
		return st, err
	}
	if err := st.collides(ctx, c, in); err != nil {
		return st, err
	}
	if err := roomFor(ctx, conn, d); err != nil {
		return st, err
	}
	return st, st.accepted(ctx, conn, in.AcceptDataLoss)
}

func (in restoreIn) valid() error {
	if in.File == "" {
		return actions.Invalid("name the dump: file: /var/backups/app.dump", "file is empty")
	}
	for _, sql := range in.Verify {
		if err := looksOnly(sql); err != nil {
			return actions.Invalid(actions.HintOf(err), "verify: %w", err)
		}
	}
	return validLoss(in.AcceptDataLoss)
}

// accepted compares by the clock of the server.
func (d *dump) accepted(ctx context.Context, conn *pg.Conn, accepted string) error {
	made, err := time.Parse(time.RFC3339, d.Made)
	if err != nil {
		return err
	}
	var now time.Time
	if err := conn.QueryRow(ctx, `select clock_timestamp()`).Scan(&now); err != nil {
		return pg.Explain(ctx, err, "asking the server for the time")
	}
	return acceptLoss(accepted, made, now, d.MadeKnown)
}

// collides looks whether the names are free, or ours from an attempt before.
func (st restoreState) collides(ctx context.Context, c *actions.Call, in restoreIn) error {
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return err
	}
	defer conn.Close()
	p, err := st.where(ctx, conn, c.Key)
	switch {
	case err != nil:
		return err
	case p.stage == strange:
		return p.refused()
	case p.stage == unfinished && p.aside.Comment == "":
		return actions.Refuse("look whose it is, then rename or drop it", "there is a database %s that nobody marked as ours", st.Aside)
	}
	return nil
}

// losses compares the database with the dump: what is there and not in the dump
// will be gone, and so will be the rows of tables for which it has none.
func losses(ctx context.Context, conn *pg.Conn, f *facts) (missing, emptied []string, err error) {
	here, err := column(ctx, conn, "listing what is in the database", `select case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'S' then 'sequence ' else 'table ' end || n.nspname || '.' || c.relname
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
		and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and (d.deptype = 'e' or d.deptype in ('a', 'i') and c.relkind = 'S'))
		order by 1`)
	if err != nil {
		return nil, nil, err
	}
	missing = slices.DeleteFunc(here, func(o string) bool { return f.Objects[o] })
	full, err := column(ctx, conn, "looking for tables with rows", `select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and pg_relation_size(c.oid) > 0
		and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') order by 1`)
	if err != nil {
		return nil, nil, err
	}
	emptied = slices.DeleteFunc(full, func(t string) bool { return !f.Objects["table "+t] || f.HasData[t] })
	return missing, emptied, nil
}

// mayReplace refuses early what the server would refuse late: our role must be
// able to make a database, to give it to the owner, to end every session, and to
// rename.
func mayReplace(ctx context.Context, conn *pg.Conn, maintenance string) error {
	if conn.ID.Replica {
		return actions.Refuse("name the primary in the target", "%s is a replica: nothing can be restored there", conn.ID.Server)
	}
	if conn.ID.Database == maintenance || slices.Contains([]string{"template0", "template1"}, conn.ID.Database) {
		return actions.Refuse("name the database of the application; another one to connect to meanwhile is named by maintenance", "database %s cannot be replaced", conn.ID.Database)
	}
	var super, creates, owns, template, labelled bool
	var owner string
	var prepared int
	err := conn.QueryRow(ctx, `select r.rolsuper, r.rolcreatedb, pg_has_role(current_user, d.datdba, 'usage'), pg_get_userbyid(d.datdba), d.datistemplate,
		(select count(*)::int from pg_prepared_xacts where database = d.datname), exists (select from pg_shseclabel where classoid = 'pg_database'::regclass and objoid = d.oid)
		from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user`).
		Scan(&super, &creates, &owns, &owner, &template, &prepared, &labelled)
	if err != nil {
		return pg.Explain(ctx, err, "asking what our role may do")
	}
	who := conn.ID.User
	switch {
	case !super && !creates:
		return actions.Refuse("alter role "+who+" createdb; or use another role in the URL of the database", "role %s may not create databases, which restoring aside needs", who)
	case !super && !owns:
		return actions.Refuse("use its owner, or a superuser, in the URL of the database", "role %s does not own database %s (%s does), so it cannot rename it", who, conn.ID.Database, owner)
	case template:
		return actions.Refuse("", "database %s is a template", conn.ID.Database)
	case prepared > 0:
		return actions.Refuse("see postgres.locks for their names, then COMMIT PREPARED or ROLLBACK PREPARED", "database %s has %d prepared transactions, with which it cannot be renamed", conn.ID.Database, prepared)
	case labelled:
		return actions.Refuse("take it off first and put it on the new one afterwards: SECURITY LABEL ON DATABASE", "database %s has a security label, which would be lost", conn.ID.Database)
	}
	if err := settingsOurs(ctx, conn, super); err != nil {
		return err
	}
	return sessionsOurs(ctx, conn)
}

// sessionsOurs: a database can be renamed only when nobody is in it.
func sessionsOurs(ctx context.Context, conn *pg.Conn) error {
	beyond, err := column(ctx, conn, "looking for sessions that we may not end", `select distinct a.usename || coalesce(nullif(' (' || a.application_name || ')', ' ()'), '') from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
		where a.datname = current_database() and `+notOurs+` order by 1`)
	if err == nil && len(beyond) > 0 {
		err = actions.Refuse("end them first, or grant pg_signal_backend to "+conn.ID.User+"; those of superusers can be ended by superusers only",
			"role %s may not end sessions in the database: %s", conn.ID.User, strings.Join(beyond, ", "))
	}
	return err
}

// notOurs finds sessions a of roles r that we may not end.
const notOurs = `not (select rolsuper from pg_roles where rolname = current_user) and not pg_has_role(current_user, a.usesysid, 'usage')
	and (r.rolsuper or not pg_has_role(current_user, 'pg_signal_backend', 'usage'))`

// settingsOurs: settings of the database are kept with it and must be put on the
// new one.
func settingsOurs(ctx context.Context, conn *pg.Conn, super bool) error {
	if super {
		return nil
	}
	beyond, err := column(ctx, conn, "looking for settings of the database", `select coalesce('those of role ' || r.rolname, split_part(c, '=', 1)) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
		left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) c
		where d.datname = current_database() and (r.rolname <> current_user and not (select rolcreaterole from pg_roles where rolname = current_user)
			or exists (select from pg_settings p where lower(p.name) = lower(split_part(c, '=', 1)) and p.context = 'superuser')) order by 1`)
	if err == nil && len(beyond) > 0 {
		err = actions.Refuse("restore as a superuser", "role %s may not put settings of the database on the new one: %s", conn.ID.User, strings.Join(beyond, ", "))
	}
	return err
}
