package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// mostBytes bounds what a query leaves in the journal.
const mostBytes = 256 << 10

type queryIn struct {
	which
	SQL     string          `json:"sql" doc:"one statement that reads; values of inputs belong into args"`
	Args    []any           `json:"args,omitempty" doc:"values for $1, $2 and so on; write $1::int where the server cannot know the type"`
	Limit   int             `json:"limit" default:"100" minimum:"1" maximum:"1000" doc:"most rows that are kept"`
	Timeout schema.Duration `json:"timeout" default:"10s" doc:"time after which the server ends the statement"`
}

type queryOut struct {
	Rows      []map[string]any `json:"rows" doc:"the rows by the names of their columns, as many as limit says and 256 KiB at most; times are RFC 3339 in UTC, lengths of time are seconds"`
	Columns   []string         `json:"columns" doc:"names of the columns in their order"`
	RowCount  int              `json:"row_count" doc:"number of rows kept"`
	Truncated bool             `json:"truncated" doc:"whether there were more rows than were kept"`
	Value     any              `json:"value" doc:"first column of the first row; unknown when there is no row or it is null"`
}

func queryAction() actions.Action {
	return actions.Define(actions.Def[queryIn, struct{}, queryOut]{
		Name:    "postgres.query",
		Summary: "Read from a database with one statement, in a transaction in which the server refuses to write.",
		Effect:  actions.Observe,
		Prepare: func(_ context.Context, _ *actions.Call, in queryIn) (struct{}, error) {
			return struct{}{}, looksOnly(in.SQL)
		},
		Run:  query,
		Tell: tellQuery,
		Examples: []actions.Example{
			{Title: "Expect that the migration is the one we want", YAML: "uses: postgres.query\nwith: {sql: select version_num from alembic_version}\nexpect: outputs.value == \"3f2a\""},
			{Title: "See that orders come in again", YAML: "uses: postgres.query\nwith:\n  sql: select count(*) from orders where created_at > now() - $1::interval\n  args: [1 minute]\nverify: {until: outputs.value > 0, within: 2m}"},
		},
	})
}

func query(ctx context.Context, c *actions.Call, in queryIn, _ struct{}) (queryOut, error) {
	conn, err := in.open(ctx, c)
	if err != nil {
		return queryOut{}, err
	}
	defer conn.Close()
	r, err := beginReadOnly(ctx, conn, in.Timeout.Std())
	if err != nil {
		return queryOut{}, err
	}
	defer r.end()
	asking, enough := context.WithCancel(ctx)
	defer enough()
	rows, err := r.query(asking, in.SQL, in.args())
	if err != nil {
		return queryOut{}, err
	}
	out := collect(rows, in.Limit)
	if out.Truncated {
		enough() // closing rows would read all that are left
	}
	rows.Close()
	if err := rows.Err(); err != nil && !out.Truncated {
		return out, explainQuery(ctx, err)
	}
	return out, nil
}

// args gives lists and maps as JSON, which the server casts where it is told to.
func (in queryIn) args() []any {
	out := make([]any, len(in.Args))
	for i, a := range in.Args {
		switch a.(type) {
		case []any, map[string]any:
			b, err := json.Marshal(a)
			if err == nil {
				out[i] = string(b)
			}
		default:
			out[i] = a
		}
	}
	return out
}

// collect takes rows until there are enough of them. A row that would not fit
// as a whole is left out.
func collect(rows pgx.Rows, limit int) queryOut {
	out := queryOut{Rows: []map[string]any{}, Columns: columns(rows)}
	size := 0
	for rows.Next() {
		row := map[string]any{}
		for i, raw := range rows.RawValues() {
			size += len(raw) + len(out.Columns[i])
			if len(raw) <= mostBytes {
				row[out.Columns[i]] = value(raw, rows.FieldDescriptions()[i].DataTypeOID)
			}
		}
		if len(out.Rows) == limit || size > mostBytes {
			out.Truncated = true
			break
		}
		out.Rows = append(out.Rows, row)
	}
	out.RowCount = len(out.Rows)
	if len(out.Rows) > 0 && len(out.Columns) > 0 {
		out.Value = out.Rows[0][out.Columns[0]]
	}
	return out
}

// columns gives each column a name of its own: two of one name would hide each
// other.
func columns(rows pgx.Rows) []string {
	out, seen := []string{}, map[string]int{}
	for _, f := range rows.FieldDescriptions() {
		seen[f.Name]++
		name := f.Name
		if n := seen[name]; n > 1 {
			name += "_" + strconv.Itoa(n)
		}
		out = append(out, name)
	}
	return out
}

func tellQuery(o queryOut) string {
	more := ""
	if o.Truncated {
		more = " and more"
	}
	if o.RowCount == 1 && len(o.Columns) == 1 {
		return fmt.Sprintf("%s is %v", o.Columns[0], o.Value)
	}
	return fmt.Sprintf("%d rows%s", o.RowCount, more)
}
