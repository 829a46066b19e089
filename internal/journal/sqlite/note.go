package sqlite

import (
	"context"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// Post implements journal.Mailbox.
func (s *Store) Post(ctx context.Context, n journal.Note) error {
	return s.write(ctx, false, func() error {
		_, err := s.db.ExecContext(ctx, `INSERT INTO notes (run, kind, path, of, by, at, text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			n.Run, string(n.Kind), n.Path, n.Of, n.By, n.At.UTC().Format(time.RFC3339Nano), n.Text)
		return err
	})
}

// Notes implements journal.Mailbox.
func (s *Store) Notes(ctx context.Context, run string, after int64) ([]journal.Note, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, run, kind, path, of, by, at, text FROM notes WHERE run = ? AND id > ? ORDER BY id`, run, after)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var out []journal.Note
	for rows.Next() {
		var n journal.Note
		var kind, at string
		if err := rows.Scan(&n.ID, &n.Run, &kind, &n.Path, &n.Of, &n.By, &at, &n.Text); err != nil {
			return nil, err
		}
		if n.At, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, err
		}
		n.Kind = journal.NoteKind(kind)
		out = append(out, n)
	}
	return out, rows.Err()
}
