package alembic

import (
	"context"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/tool"
)

// prepare makes a move absolute and refuses what could not be gone through with
// or taken back. It writes nothing: what alembic does for it has a session that
// cannot.
func (f family) prepare(ctx context.Context, c *actions.Call, in moveIn, d direction) (prepared, error) {
	var st prepared
	if err := in.valid(); err != nil {
		return st, err
	}
	r, err := f.reach(ctx, c, in.project, instruction{Direction: string(d), To: in.To, Heads: in.Heads})
	if err != nil {
		return st, err
	}
	defer r.conn.Close()
	s := r.survey
	if err := possible(s, r.at, d); err != nil {
		return st, err
	}
	if err := governs(ctx, r.conn, s.User); err != nil {
		return st, err
	}
	found, err := assess(ctx, r.conn, s)
	if err != nil {
		return st, err
	}
	if err := consent(ctx, r.conn, found.losses, in.AcceptDataLoss); err != nil {
		return st, err
	}
	return prepared{
		Job: tool.Announce(c.Key), At: r.at, System: r.conn.ID.System, Database: r.conn.ID.Database, Server: r.conn.ID.Server,
		Versions: s.Versions, Files: s.Files, Table: s.Table, Transaction: s.Transaction,
		From: s.Heads, Target: s.Target, Path: revisions(s.Path), Losses: found.losses, Touched: found.touched,
	}, nil
}

// possible refuses a path that alembic could not go, or would go without doing
// what it says.
func possible(s survey, at place, d direction) error {
	const code = "the code must be that of the newest version that the database has seen: point dir at a checkout of it, or run it there"
	if len(s.Unknown) > 0 {
		return actions.Refuse(code, "the database is at revision %s, and %s has no file for it", strings.Join(s.Unknown, ", "), at.Dir)
	}
	if s.Problem != "" {
		return actions.Refuse("list the revisions with: alembic history", "%s", s.Problem)
	}
	for _, r := range s.Path {
		switch {
		case r.Raises != "":
			return actions.Refuse("it was written as one that cannot be taken back; go forward with a new revision, or restore a backup",
				"revision %s cannot be run: its %s() is %q", r.Revision, d, r.Raises)
		case r.NoOp:
			return actions.Refuse("give it a downgrade that takes back what its upgrade does",
				"revision %s would only pretend to be taken back: its downgrade() does nothing, so the version would move and what upgrade() made would stay, and fail the next upgrade", r.Revision)
		}
	}
	return nil
}

// governs says whether we could end the sessions of the user that env.py logs in
// as; after a crash that must be possible.
func governs(ctx context.Context, conn *pg.Conn, user string) error {
	if conn.ID.Replica {
		return actions.Refuse("name the primary in the URL of the database", "%s is a replica: nothing can be changed there", conn.ID.Server)
	}
	var may bool
	if err := conn.QueryRow(ctx, "select pg_has_role(current_user, $1, 'USAGE')", user).Scan(&may); err != nil {
		return pg.Explain(ctx, err, "asking for the rights over user "+user)
	}
	if !may {
		return actions.Refuse("use the same user in the target and in env.py, or: grant "+user+" to "+conn.ID.User,
			"env.py logs in as %s, whose sessions %s could not end after a crash", user, conn.ID.User)
	}
	return nil
}

// consent refuses a loss that nobody accepted, and says how much it is.
func consent(ctx context.Context, conn *pg.Conn, losses []loss, accepted bool) error {
	var said []string
	for _, l := range losses {
		if accepted || !l.matters() {
			continue
		}
		s, err := l.measure(ctx, conn)
		if err != nil {
			return err
		}
		said = append(said, l.say(s))
	}
	if len(said) == 0 {
		return nil
	}
	return actions.Refuse("take a backup, then say accept_data_loss: true; an upgrade brings back the structure, not the data",
		"data would be lost: %s", strings.Join(said, "; "))
}
