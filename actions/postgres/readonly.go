package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// readOnly is one look at a database: a transaction in which the server refuses
// whatever would write.
type readOnly struct {
	tx pgx.Tx
}

// beginReadOnly opens the transaction. A transaction may be made read-write as
// long as it has seen nothing (check_XactReadOnly in PostgreSQL's
// variable.c), so it sees something at once.
func beginReadOnly(ctx context.Context, conn *pg.Conn, most time.Duration) (readOnly, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return readOnly{}, pg.Explain(ctx, err, "beginning to read")
	}
	var got string
	err = tx.QueryRow(ctx, `select set_config('statement_timeout', $1, true) || set_config('timezone', 'UTC', true) || set_config('intervalstyle', 'postgres', true)`,
		fmt.Sprintf("%dms", max(1, most.Milliseconds()))).Scan(&got)
	if err != nil {
		return readOnly{}, pg.Explain(ctx, err, "beginning to read")
	}
	return readOnly{tx}, nil
}

// end gives the transaction back; there is nothing to commit.
func (r readOnly) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = r.tx.Rollback(ctx) // the session is closed next
}

// query runs one statement; the extended protocol takes no second one. Values
// come as the text of the server.
func (r readOnly) query(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	if err := looksOnly(sql); err != nil {
		return nil, err
	}
	rows, err := r.tx.Query(ctx, sql, append([]any{pgx.QueryExecModeExec, pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
	return rows, explainQuery(ctx, err)
}

func explainQuery(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	err = pg.Explain(ctx, err, "query")
	for code, why := range map[string]error{
		"25006": actions.Refuse("postgres.query only reads; there is no step that runs SQL which writes", "the server refused to write: %w", err),
		"57014": fmt.Errorf("it took longer than the statement may take (input timeout): %w", err),
		"42601": actions.Invalid("write one statement and no semicolon behind it", "%w", err),
	} {
		if strings.Contains(err.Error(), "(SQLSTATE "+code+")") {
			return why
		}
	}
	return err
}

var (
	readingWord = lazily(`(?i)^(select|with|values|table|show|explain)\b`)
	leading     = lazily(`(?s)^(\s+|--[^\n]*(\n|$)|/\*.*?\*/|\()+`)
	actsOutside = lazily(`(?i)\b(pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal|pg_wal_replay_(?:pause|resume)|pg_(?:create|drop)\w*_slot|pg_create_restore_point|pg_stat_reset\w*|pg_log_backend_memory_contexts|lo_export|dblink\w*|pg_file_\w+)\s*\(`)
)

// looksOnly refuses what a read-only transaction lets through and what acts all
// the same: COPY TO PROGRAM, DO, functions that signal other sessions. It goes by
// the words, so a function of one's own that does such things is not noticed.
func looksOnly(sql string) error {
	text := leading().ReplaceAllString(sql, "")
	if !readingWord().MatchString(text) {
		first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
		return actions.Refuse("it may begin with select, with, values, table, show or explain", "the statement begins with %q and does more than read", first)
	}
	if found := actsOutside().FindStringSubmatch(sql); found != nil {
		return actions.Refuse("to end sessions there is postgres.terminate", "the statement calls %s, which acts although the transaction only reads", strings.ToLower(found[1]))
	}
	return nil
}
