package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/internal/pg"
)

// dress puts on a database what belongs to another one and not to what is in
// it: settings, also those of roles in it, the limit of connections, privileges.
// They are kept by OID, so that a new database under the old name has none.
// Doing it again does no harm.
func dress(ctx context.Context, tx pgx.Tx, from uint32, to base) error {
	do := func(sql string) error {
		_, err := tx.Exec(ctx, sql)
		return pg.Explain(ctx, err, "giving "+to.Name+" the settings of the database that it replaces")
	}
	var limit int
	var acl bool
	if err := tx.QueryRow(ctx, `select datconnlimit, datacl is not null from pg_database where oid = $1`, from).Scan(&limit, &acl); err != nil {
		return pg.Explain(ctx, err, "reading the settings of the database")
	}
	statements := []string{fmt.Sprintf("alter database %s connection limit %d", ident(to.Name), limit)}
	more, err := settings(ctx, tx, from, to)
	if err != nil {
		return err
	}
	statements = append(statements, more...)
	if acl {
		grants, err := privileges(ctx, tx, from, to)
		if err != nil {
			return err
		}
		statements = append(statements, grants...)
	}
	for _, sql := range statements {
		if err := do(sql); err != nil {
			return err
		}
	}
	return nil
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func literal(s string) string {
	if strings.Contains(s, `\`) {
		return " E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// settings gives the statements for what pg_db_role_setting holds, after those
// that take away what is there already.
func settings(ctx context.Context, tx pgx.Tx, from uint32, to base) ([]string, error) {
	rows, err := tx.Query(ctx, `select s.setdatabase = $2, coalesce(r.rolname, ''), c from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) c
		where s.setdatabase in ($1, $2) order by 1 desc, 2, 3`, from, to.OID)
	if err != nil {
		return nil, pg.Explain(ctx, err, "reading the settings of the database")
	}
	defer rows.Close()
	var resets, out []string
	for rows.Next() {
		var there bool
		var role, config string
		if err := rows.Scan(&there, &role, &config); err != nil {
			return nil, pg.Explain(ctx, err, "reading the settings of the database")
		}
		head := "alter database " + ident(to.Name)
		if role != "" {
			head = "alter role " + ident(role) + " in database " + ident(to.Name)
		}
		name, value, _ := strings.Cut(config, "=")
		if there {
			resets = append(resets, head+" reset "+ident(name))
		} else {
			out = append(out, head+" set "+ident(name)+" to "+settingValue(name, value))
		}
	}
	return append(resets, out...), pg.Explain(ctx, rows.Err(), "reading the settings of the database")
}

// settingValue writes a value as SET takes it. That of a list of names is kept
// as a list, and as one text it would be one name: pg_dump knows the same ones
// (variable_is_guc_list_quote in its dumputils.c).
func settingValue(name, value string) string {
	switch strings.ToLower(name) {
	case "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories":
	default:
		return literal(value)
	}
	var out []string
	for _, part := range splitList(value) {
		out = append(out, literal(part))
	}
	if len(out) == 0 {
		return "''"
	}
	return strings.Join(out, ", ")
}

// splitList takes a list of names apart: a, "b,""c".
func splitList(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), ",")) {
		if s[0] != '"' {
			part, rest, _ := strings.Cut(s, ",")
			out, s = append(out, strings.TrimSpace(part)), rest
			continue
		}
		end := 1
		for end < len(s) && (s[end] != '"' || end+1 < len(s) && s[end+1] == '"') {
			if s[end] == '"' {
				end++
			}
			end++
		}
		out, s = append(out, strings.ReplaceAll(s[1:min(end, len(s))], `""`, `"`)), s[min(end+1, len(s)):]
	}
	return out
}

// privileges gives the statements that make the privileges of one database those
// of the other. Who granted them becomes the owner.
func privileges(ctx context.Context, tx pgx.Tx, from uint32, to base) ([]string, error) {
	rows, err := tx.Query(ctx, `select d.oid = $2, coalesce(r.rolname, ''), a.privilege_type, a.is_grantable
		from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a left join pg_roles r on r.oid = a.grantee
		where d.oid in ($1, $2) order by 1 desc, 2, 3`, from, to.OID)
	if err != nil {
		return nil, pg.Explain(ctx, err, "reading the privileges of the database")
	}
	defer rows.Close()
	var revokes, out []string
	revoked := map[string]bool{}
	for rows.Next() {
		var there, grantable bool
		var role, privilege string
		if err := rows.Scan(&there, &role, &privilege, &grantable); err != nil {
			return nil, pg.Explain(ctx, err, "reading the privileges of the database")
		}
		who, with := "public", ""
		if role != "" {
			who = ident(role)
		}
		if grantable {
			with = " with grant option"
		}
		switch {
		case !there:
			out = append(out, "grant "+privilege+" on database "+ident(to.Name)+" to "+who+with)
		case !revoked[who]:
			revoked[who] = true
			revokes = append(revokes, "revoke all on database "+ident(to.Name)+" from "+who)
		}
	}
	return append(revokes, out...), pg.Explain(ctx, rows.Err(), "reading the privileges of the database")
}
