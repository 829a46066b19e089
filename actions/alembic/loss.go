package alembic

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/internal/pg"
)

// loss is data that a revision takes away, found in the database as it is. It is
// journaled and compared with what was reviewed, so it holds no counts, which
// change by the minute.
type loss struct {
	Revision string   `json:"revision"`
	Kind     harmKind `json:"kind"`
	Table    table    `json:"table,omitzero"`
	Column   string   `json:"column,omitempty"`
	To       string   `json:"to,omitempty"`
	// Holds says whether there is anything to lose; nil when it cannot be known.
	Holds *bool  `json:"holds"`
	Why   string `json:"why,omitempty"` // why it cannot be judged
}

// what names what is lost.
func (l loss) what() string {
	switch {
	case l.Table == (table{}):
		return "revision " + l.Revision
	case l.Column != "":
		return "column " + l.Table.String() + "." + l.Column
	default:
		return "table " + l.Table.String()
	}
}

func (l loss) matters() bool { return l.Holds == nil || *l.Holds }

// judge goes through the SQL of a path, in order, and finds out what each
// statement that takes something away would find.
type assessor struct {
	conn    *pg.Conn
	survey  survey
	made    map[string]bool // tables and columns that the path makes itself
	renamed bool            // names may mean something else than now
	losses  []loss
	touched []table
}

func assess(ctx context.Context, conn *pg.Conn, s survey) (*assessor, error) {
	a := &assessor{conn: conn, survey: s, made: map[string]bool{}}
	for _, r := range s.Path {
		if r.Opaque != "" {
			a.losses = append(a.losses, loss{Revision: r.Revision, Kind: opaque, Why: r.Opaque})
		}
		if r.SQL == nil {
			continue
		}
		for _, st := range statements(*r.SQL) {
			for _, h := range harms(st) {
				if err := a.add(ctx, r, h); err != nil {
					return nil, err
				}
			}
		}
	}
	return a, nil
}

func (a *assessor) add(ctx context.Context, r found, h harm) error {
	switch h.kind {
	case makesTable, makesColumn:
		a.made[h.table.String()+"/"+h.column] = true
		return nil
	case renames:
		a.renamed = true
		return nil
	case opaque:
		if r.Opaque == "" {
			a.losses = append(a.losses, loss{Revision: r.Revision, Kind: opaque, Why: "it runs a statement whose effect on data is not known"})
		}
		return nil
	default:
	}
	t, there, err := a.find(ctx, h.table)
	if err != nil || t.Name == a.survey.Table.Name && (!there || t == a.survey.Table) { // alembic's own
		return err
	}
	if there && !slices.Contains(a.touched, t) {
		a.touched = append(a.touched, t)
	}
	if h.kind == touchesTable {
		return nil
	}
	l := loss{Revision: r.Revision, Kind: h.kind, Table: t, Column: h.column, To: h.to}
	gone := !there
	if there && h.column != "" {
		old, err := columnType(ctx, a.conn, t, h.column)
		switch {
		case err != nil:
			return err
		case old == "":
			gone = true
		case h.kind == converts && lossless(old, h.to):
			return nil
		}
	}
	switch {
	case gone && (!a.renamed || a.made[h.table.String()+"/"] || a.made[h.table.String()+"/"+h.column]):
		return nil // made by the path, or not there: there is nothing to lose
	case gone:
		l = loss{Revision: r.Revision, Kind: opaque, Why: fmt.Sprintf("it %s %s, which has another name now", h.kind, h.table)}
	default:
		if l.Holds, err = l.holds(ctx, a.conn); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(a.losses, func(x loss) bool {
		return x.Revision == l.Revision && x.Kind == l.Kind && x.Table == l.Table && x.Column == l.Column && x.Why == l.Why
	}) {
		a.losses = append(a.losses, l)
	}
	return nil
}

// find resolves a name as the session of env.py would; that of an index leads to
// its table, with which it shares locks and schema.
func (a *assessor) find(ctx context.Context, n name) (table, bool, error) {
	path := a.survey.SearchPath
	if n.Schema != "" {
		path = []string{n.Schema}
	}
	t := table{Name: n.Name}
	err := a.conn.QueryRow(ctx, `select s.nspname::text, coalesce((select relname::text from pg_class where oid = x.indrelid), c.relname::text)
		from pg_class c join pg_namespace s on s.oid = c.relnamespace left join pg_index x on x.indexrelid = c.oid
		where c.relname = $1 and s.nspname = any($2::text[]) and c.relkind in ('r', 'p', 'f', 'i', 'I') order by array_position($2::text[], s.nspname::text) limit 1`,
		n.Name, path).Scan(&t.Schema, &t.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, false, nil
	}
	return t, err == nil, pg.Explain(ctx, err, "looking for table "+n.String())
}

// columnType gives the type of a column, "" when there is none.
func columnType(ctx context.Context, conn *pg.Conn, t table, column string) (typ string, err error) {
	err = conn.QueryRow(ctx, `select format_type(atttypid, null) from pg_attribute where attrelid = $1::regclass and attname = $2 and attnum > 0 and not attisdropped`,
		t.quoted(), column).Scan(&typ)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return typ, pg.Explain(ctx, err, "looking for column "+t.String()+"."+column)
}

// lossless says whether a type takes all values of another one, or fails on
// those that do not fit: an assignment to varchar never cuts, and one to a
// smaller integer neither; one from a fraction to an integer rounds.
func lossless(from, to string) bool {
	texts := []string{"text", "varchar", "character varying"}
	wholes := []string{"smallint", "integer", "int", "bigint", "int2", "int4", "int8"}
	switch {
	case slices.Contains(texts, to):
		return slices.Contains(texts, from)
	case slices.Contains(wholes, to):
		return slices.Contains(wholes, from)
	default:
		return from == to && (to == "date" || to == "boolean" || to == "uuid")
	}
}
