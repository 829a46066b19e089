package alembic

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/runbackhq/runback/internal/pg"
)

// condition gives what is counted: rows, or those that have a value.
func (l loss) from() string {
	sql := " from " + l.Table.quoted()
	if l.Column != "" {
		sql += " where " + pgx.Identifier{l.Column}.Sanitize() + " is not null"
	}
	return sql
}

// holds says whether there is anything to lose; nil when we may not look.
func (l loss) holds(ctx context.Context, conn *pg.Conn) (*bool, error) {
	var some bool
	err := conn.QueryRow(ctx, "select exists (select 1"+l.from()+")").Scan(&some)
	if denied(err) {
		return nil, nil //nolint:nilnil // not known
	}
	return &some, pg.Explain(ctx, err, "looking whether "+l.what()+" holds data")
}

// size is how much a loss is: rows, or those with a value in the column.
type size struct {
	Rows  *int64 // nil when it is not known
	About bool   // estimated by the server
	Bytes int64  // of the table with all that belongs to it
}

// mostCounted is how many rows are counted; of more, the estimate of the server
// is good enough to decide by, and counting would load it when it can bear it
// least.
const mostCounted = 5_000_000

// measure gives the size of what is lost, as it is now.
func (l loss) measure(ctx context.Context, conn *pg.Conn) (size, error) {
	var s size
	if l.Table == (table{}) {
		return s, nil
	}
	var estimate float64
	err := conn.QueryRow(ctx, `select greatest(reltuples, 0)::float8, pg_total_relation_size(oid) from pg_class where oid = to_regclass($1)`, l.Table.quoted()).Scan(&estimate, &s.Bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		none := int64(0)
		return size{Rows: &none}, nil
	}
	if err != nil {
		return s, pg.Explain(ctx, err, "measuring "+l.what())
	}
	var rows int64
	if estimate > mostCounted {
		rows = int64(estimate)
		return size{&rows, true, s.Bytes}, nil
	}
	err = conn.QueryRow(ctx, "select count(*)"+l.from()).Scan(&rows)
	if denied(err) {
		return s, nil
	}
	s.Rows = &rows
	return s, pg.Explain(ctx, err, "counting "+l.what())
}

func denied(err error) bool {
	answered, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answered.Code == "42501"
}

// say writes a loss with its size for people.
func (l loss) say(s size) string {
	if l.Kind == opaque {
		return fmt.Sprintf("what revision %s does to data cannot be known: %s", l.Revision, l.Why)
	}
	rows := "it is not known how many rows"
	if s.Rows != nil {
		rows = fmt.Sprintf("%d rows", *s.Rows)
		if s.About {
			rows = "about " + rows
		}
	}
	switch l.Kind {
	case dropsColumn:
		return fmt.Sprintf("revision %s drops %s: %s have a value in it", l.Revision, l.what(), rows)
	case converts:
		return fmt.Sprintf("revision %s converts %s to %s: %s have a value in it", l.Revision, l.what(), l.To, rows)
	case dropsTable:
		return fmt.Sprintf("revision %s drops %s: %s, %s", l.Revision, l.what(), rows, bytes(s.Bytes))
	default:
		return fmt.Sprintf("revision %s %s %s: at most %s", l.Revision, l.Kind, l.Table, rows)
	}
}

func bytes(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// empty is what the driver looks at once more.
func (l loss) empty() empty {
	e := empty{Table: l.Table.quoted(), What: l.what()}
	if l.Column != "" {
		e.Column = pgx.Identifier{l.Column}.Sanitize()
	}
	return e
}
