package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/internal/journal"
)

// Holding implements journal.Store.
func (s *Store) Holding(ctx context.Context, target string) (journal.Holding, error) {
	h := journal.Holding{Target: target}
	var by string
	err := s.db.QueryRowContext(ctx, `SELECT epoch, run, holder, held FROM claims WHERE target = ?`, target).Scan(&h.Epoch, &h.Run, &by, &h.Held)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	// Who it is stays unknown when it cannot be read: then nobody may follow.
	if err := json.Unmarshal([]byte(by), &h.By); err != nil {
		h.By = journal.Process{}
	}
	return h, nil
}

// Claim implements journal.Store.
func (s *Store) Claim(ctx context.Context, was journal.Holding, run string, by journal.Process) (journal.Claim, error) {
	holder, err := json.Marshal(by)
	if err != nil {
		return journal.Claim{}, err
	}
	c := journal.Claim{Target: was.Target, Run: run, Epoch: was.Epoch + 1}
	return c, s.write(ctx, false, func() error {
		res, err := s.db.ExecContext(ctx, `INSERT INTO claims (target, epoch, run, holder, held) VALUES (?, ?, ?, ?, 1)
			ON CONFLICT (target) DO UPDATE SET epoch = excluded.epoch, run = excluded.run, holder = excluded.holder, held = 1 WHERE claims.epoch = ? AND claims.held = ?`,
			c.Target, c.Epoch, run, string(holder), was.Epoch, was.Held)
		return overtakenUnless(res, err)
	})
}

// Release implements journal.Store.
func (s *Store) Release(ctx context.Context, c journal.Claim) error {
	return s.write(ctx, false, func() error {
		_, err := s.db.ExecContext(ctx, `UPDATE claims SET held = 0 WHERE target = ? AND epoch = ? AND run = ?`, c.Target, c.Epoch, c.Run)
		return err
	})
}

// overtakenUnless reads the result of a conditional write: no row means that
// its condition did not hold.
func overtakenUnless(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: its claim is not the newest one", journal.ErrOvertaken)
	}
	return err
}
