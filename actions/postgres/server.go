package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// suits refuses a dump that this server or our role cannot take back, as far as
// that can be known: what is found out only when it is restored costs nothing
// but time, because it happens aside.
func suits(ctx context.Context, conn *pg.Conn, d *dump, f *facts) error {
	if was := f.Versions["database"]; major(was) > conn.ID.Version/10000 {
		return actions.Refuse("restore it on a server of that version", "the dump is of PostgreSQL %s, the server is of version %d", was, conn.ID.Version/10000)
	}
	var super bool
	if err := conn.QueryRow(ctx, `select rolsuper from pg_roles where rolname = current_user`).Scan(&super); err != nil {
		return pg.Explain(ctx, err, "asking what our role may do")
	}
	for _, check := range []func(context.Context, *pg.Conn, *dump, *facts, bool) error{rolesThere, extensionsThere, spacesThere, settingsKnown} {
		if err := check(ctx, conn, d, f, super); err != nil {
			return err
		}
	}
	if kinds := sorted(f.Superuser); !super && len(kinds) > 0 {
		return actions.Refuse("restore as a superuser", "role %s may not make what the dump holds: %s", conn.ID.User, strings.Join(kinds, ", "))
	}
	return nil
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// column asks for one column of text.
func column(ctx context.Context, conn *pg.Conn, doing, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, pg.Explain(ctx, err, doing)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, pg.Explain(ctx, err, doing)
		}
		out = append(out, s)
	}
	return out, pg.Explain(ctx, rows.Err(), doing)
}

func rolesThere(ctx context.Context, conn *pg.Conn, d *dump, f *facts, _ bool) error {
	owners := sorted(f.Roles)
	all := slices.Concat(owners, sorted(f.Grantees))
	if !d.Owners || len(all) == 0 {
		return nil
	}
	missing, err := column(ctx, conn, "looking for the roles of the dump", `select r from unnest($1::text[]) r where r not in (select rolname from pg_roles) order by r`, all)
	if err != nil {
		return err
	}
	const leave = "; or give everything to our role: keep_owners: false"
	if len(missing) > 0 {
		return actions.Refuse("create them"+leave, "the dump names roles that the server does not have: %s", strings.Join(missing, ", "))
	}
	foreign, err := column(ctx, conn, "looking for the roles of the dump", `select rolname from pg_roles where rolname = any ($1::text[]) and not pg_has_role(current_user, oid, 'usage') order by rolname`, owners)
	if err != nil {
		return err
	}
	if len(foreign) > 0 {
		return actions.Refuse("restore as a superuser, or as a member of them"+leave, "role %s cannot give objects to their owners: %s", conn.ID.User, strings.Join(foreign, ", "))
	}
	return nil
}

func extensionsThere(ctx context.Context, conn *pg.Conn, _ *dump, f *facts, super bool) error {
	names := sorted(f.Extensions)
	missing, err := column(ctx, conn, "looking for the extensions of the dump", `select e from unnest($1::text[]) e where e not in (select name from pg_available_extensions) order by e`, names)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return actions.Refuse("install them on the server", "the dump needs extensions that the server does not have: %s", strings.Join(missing, ", "))
	}
	if super {
		return nil
	}
	distrusted, err := column(ctx, conn, "looking for the extensions of the dump", `select distinct x.name from pg_available_extension_versions x join pg_available_extensions e on e.name = x.name and e.default_version = x.version
		where x.name = any ($1::text[]) and x.superuser and not x.trusted order by 1`, names)
	if err != nil {
		return err
	}
	if distrusted = slices.DeleteFunc(distrusted, func(n string) bool { return n == "plpgsql" }); len(distrusted) > 0 {
		return actions.Refuse("restore as a superuser", "role %s may not create the extensions of the dump: %s", conn.ID.User, strings.Join(distrusted, ", "))
	}
	return nil
}

func spacesThere(ctx context.Context, conn *pg.Conn, _ *dump, f *facts, _ bool) error {
	bad, err := column(ctx, conn, "looking for the tablespaces of the dump", `select s from unnest($1::text[]) s
		where not exists (select from pg_tablespace where spcname = s and (spcname = 'pg_default' or has_tablespace_privilege(oid, 'create'))) order by s`, sorted(f.Spaces))
	if err == nil && len(bad) > 0 {
		err = actions.Refuse("create them, or make the dump with --no-tablespaces", "the dump needs tablespaces that are not there or that role %s may not use: %s", conn.ID.User, strings.Join(bad, ", "))
	}
	return err
}

// settingsKnown: a newer pg_dump or pg_restore sets parameters that an older
// server does not know (transaction_timeout of version 17), and the restore
// ends at its first line.
func settingsKnown(ctx context.Context, conn *pg.Conn, d *dump, f *facts, _ bool) error {
	names := slices.DeleteFunc(sorted(f.Settings), func(n string) bool { return strings.Contains(n, ".") || n == "session" || n == "role" })
	unknown, err := column(ctx, conn, "looking for the parameters of the dump", `select s from unnest($1::text[]) s where s not in (select lower(name) from pg_settings) order by s`, names)
	if err != nil || len(unknown) == 0 {
		return err
	}
	hint := "make the dump with pg_dump of the version of the server"
	if d.Format.archive() {
		hint = fmt.Sprintf("use the pg_restore of the version of the server: bin: /usr/lib/postgresql/%d/bin", conn.ID.Version/10000)
	}
	return actions.Refuse(hint, "the restore would set a parameter that this server does not know: %s", strings.Join(unknown, ", "))
}
