// Package sqlite keeps journals in one SQLite file: the default store of a
// single machine. Every append is one transaction with full durability
// (journal_mode=WAL, synchronous=FULL) unless its event may wait for the next,
// and readers never block the writer.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/runbackhq/runback/internal/journal"
)

//go:embed schema.sql
var ddl string

// Store is a journal.Store in one file.
type Store struct {
	db      *sql.DB
	insert  *sql.Stmt // what every append does
	writing sync.Mutex
	lazy    bool // the connection does not sync what it commits
}

var _ journal.Store = (*Store)(nil)

// Open opens the file, creating it and its folder when they are missing. The
// folder is readable by its owner only, because journals hold operational
// detail.
func Open(ctx context.Context, file string) (*Store, error) {
	if err := create(file); err != nil {
		return nil, fmt.Errorf("store %s: %w", file, err)
	}
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db}
	if err := patiently(ctx, s.prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", file, err), db.Close())
	}
	// By now the file and its log are there, and the journal that SQLite needed to
	// make the file is gone. It syncs their folder too, and ignores an error of it.
	if err := syncFolder(filepath.Dir(file)); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", file, err), db.Close())
	}
	return s, nil
}

// dsn gives the address of the file with the promises of every connection. The
// path is escaped, because a folder may have a ? or a % in its name.
func dsn(file string) string {
	query := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {"immediate"}}
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(file))
	return "file:" + path + "?" + query.Encode()
}

// patience bounds the time that opening waits for other processes.
const patience = 10 * time.Second

// patiently does again what found the file busy. Two moments answer "busy" at
// once, whatever the busy timeout is: the change of a new file to WAL, and the
// clean-up by the last connection that closes (sqlite.org/wal.html §4).
func patiently(ctx context.Context, do func(context.Context) error) error {
	for until := time.Now().Add(patience); ; {
		err := do(ctx)
		if !busy(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func busy(err error) bool {
	se, ok := errors.AsType[*driver.Error](err)
	return ok && se.Code()&0xff == lib.SQLITE_BUSY
}

func (s *Store) prepare(ctx context.Context) error {
	var version string
	if err := s.db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return err
	}
	if older(version, "3.51.3") {
		return fmt.Errorf("SQLite %s can corrupt a WAL that is reset (fixed in 3.51.3)", version)
	}
	if err := s.layOut(ctx); err != nil {
		return err
	}
	if s.insert == nil {
		var err error
		s.insert, err = s.db.PrepareContext(ctx, insertEvent)
		return err
	}
	return nil
}

// The claim is asked for in the statement that writes, so nobody can take over
// between the question and the write.
const insertEvent = `INSERT INTO events (run, seq, time, type, path, data, prev, hash) SELECT ?, ?, ?, ?, ?, ?, ?, ?
	WHERE EXISTS (SELECT 1 FROM claims WHERE target = ? AND epoch = ? AND run = ? AND held)`

// layout is the version of the tables. A file of a later version is left alone.
const layout = 3

// layOut makes the tables of a file that has none. Who only reads needs no more
// than a look: a writer that is frozen does not keep anybody from the journal.
func (s *Store) layOut(ctx context.Context) error {
	var have int
	if err := s.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil || have == layout {
		return err
	}
	return s.make(ctx)
}

// make does it in one transaction: two processes may meet the same new file.
func (s *Store) make(ctx context.Context) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var have int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return err
	}
	if have > layout {
		return fmt.Errorf("it was written by a later version of runback (layout %d, this one knows %d)", have, layout)
	}
	if have < layout {
		if _, err := tx.ExecContext(ctx, ddl); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func older(version, than string) bool {
	var a, b [3]int
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &a[0], &a[1], &a[2])
	_, _ = fmt.Sscanf(than, "%d.%d.%d", &b[0], &b[1], &b[2])
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// Broken says whether an error is one of the store itself: a full disk, a
// damaged file.
func Broken(err error) bool {
	_, ok := errors.AsType[*driver.Error](err)
	return ok
}

// Close closes the file.
func (s *Store) Close() error {
	if s.insert == nil {
		return s.db.Close()
	}
	return errors.Join(s.insert.Close(), s.db.Close())
}

// Append implements journal.Store.
func (s *Store) Append(ctx context.Context, e journal.Event, c journal.Claim) error {
	return s.write(ctx, e.Soon, func() error { return s.append(ctx, e, c) })
}

// write does one write to the file. A commit that is not lazy syncs the log, and
// with it all that was committed before.
func (s *Store) write(ctx context.Context, lazy bool, do func() error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if lazy != s.lazy {
		// NORMAL leaves out the sync of a commit and no other: the log is still
		// synced before a page of it goes into the file (sqlite.org/pragma.html).
		level := map[bool]string{true: "NORMAL", false: "FULL"}[lazy]
		if _, err := s.db.ExecContext(ctx, "PRAGMA synchronous = "+level); err != nil {
			return err
		}
		s.lazy = lazy
	}
	return do()
}

func (s *Store) append(ctx context.Context, e journal.Event, c journal.Claim) error {
	res, err := s.insert.ExecContext(ctx,
		e.Run, e.Seq, e.Time.UTC().Format(time.RFC3339Nano), string(e.Type), e.Path, string(e.Data), e.Prev, e.Hash,
		c.Target, c.Epoch, e.Run)
	if se, ok := errors.AsType[*driver.Error](err); ok && se.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY {
		return fmt.Errorf("%w: %w", journal.ErrOvertaken, err)
	}
	return overtakenUnless(res, err)
}

const columns = `run, seq, time, type, path, data, prev, hash`

// Events implements journal.Store.
func (s *Store) Events(ctx context.Context, run string) ([]journal.Event, error) {
	events, err := s.query(ctx, `SELECT `+columns+` FROM events WHERE run = ? ORDER BY seq`, run)
	if err == nil && len(events) == 0 {
		err = fmt.Errorf("%w: %s", journal.ErrNoRun, run)
	}
	return events, err
}

// Runs implements journal.Store.
func (s *Store) Runs(ctx context.Context) ([]journal.Span, error) {
	firsts, err := s.query(ctx, `SELECT `+columns+` FROM events WHERE seq = 1`)
	if err != nil {
		return nil, err
	}
	lasts, err := s.query(ctx, `SELECT `+columns+` FROM events e WHERE seq = (SELECT max(seq) FROM events WHERE run = e.run)`)
	if err != nil {
		return nil, err
	}
	byRun := make(map[string]journal.Event, len(lasts))
	for _, e := range lasts {
		byRun[e.Run] = e
	}
	out := make([]journal.Span, 0, len(firsts))
	for _, f := range firsts {
		out = append(out, journal.Span{First: f, Last: byRun[f.Run]})
	}
	// Times are sorted as times: as text 10:00:00.5Z comes before 10:00:00Z.
	slices.SortFunc(out, func(a, b journal.Span) int {
		return cmp.Or(b.First.Time.Compare(a.First.Time), cmp.Compare(b.First.Run, a.First.Run))
	})
	return out, nil
}

func (s *Store) query(ctx context.Context, q string, args ...any) ([]journal.Event, error) {
	rows, err := s.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var out []journal.Event
	for rows.Next() {
		var e journal.Event
		var at, typ, data string
		if err := rows.Scan(&e.Run, &e.Seq, &at, &typ, &e.Path, &data, &e.Prev, &e.Hash); err != nil {
			return nil, err
		}
		// A time that cannot be read shows as a broken chain, not as an error.
		e.Time, _ = time.Parse(time.RFC3339Nano, at)
		e.Type, e.Data = journal.Type(typ), []byte(data)
		out = append(out, e)
	}
	return out, rows.Err()
}
