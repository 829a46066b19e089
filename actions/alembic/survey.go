package alembic

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// survey is what the driver finds out about a project without changing anything.
type survey struct {
	Versions    versions `json:"versions"`
	Transaction string   `json:"transaction"`
	Table       table    `json:"table"`
	User        string   `json:"user"`
	SearchPath  []string `json:"search_path"`
	Heads       []string `json:"heads"` // of the database, as alembic sees it
	Files       files    `json:"files"`
	CodeHeads   []string `json:"code_heads"`
	Unknown     []string `json:"unknown"` // heads of the database that the code does not have
	Revisions   int      `json:"revisions"`
	Behind      *int     `json:"behind"`
	Path        []found  `json:"path"`
	Target      []string `json:"target"`
	Problem     string   `json:"problem"` // why the target cannot be resolved
}

type versions struct {
	Alembic    string `json:"alembic"`
	SQLAlchemy string `json:"sqlalchemy"`
	Python     string `json:"python"`
}

// table is where the version is kept.
type table struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// found is one revision of a path, as the driver describes it.
type found struct {
	Revision string   `json:"revision"`
	After    []string `json:"after"` // heads of the database when it was run
	Doc      string   `json:"doc"`
	Path     string   `json:"path"`
	SHA256   string   `json:"sha256"`
	NoOp     bool     `json:"noop"`   // moves the version and leaves the objects
	Raises   string   `json:"raises"` // the statement
	Breaks   bool     `json:"breaks"` // commits in the middle
	SQL      *string  `json:"sql"`
	Opaque   string   `json:"opaque"` // why its SQL is not known
}

// reached is a database of the target and what is known about the project in it.
type reached struct {
	conn   *pg.Conn
	target actions.DatabaseTarget
	host   host
	at     place
	survey survey
}

// reach opens the database and looks at the project through env.py. The caller
// closes the session.
func (f family) reach(ctx context.Context, c *actions.Call, p project, in instruction) (_ *reached, err error) {
	r := &reached{}
	if r.target, err = c.Target.Database(p.Database); err != nil {
		return nil, err
	}
	if r.host, r.at, err = f.settle(ctx, c, p); err != nil {
		return nil, err
	}
	name := pg.Application(c.Key, "look")
	if r.conn, err = pg.Open(ctx, r.target, name); err != nil {
		return nil, err
	}
	if err = f.inspect(ctx, c, p, in, r, name); err != nil {
		r.conn.Close()
		return nil, err
	}
	return r, nil
}

func (f family) inspect(ctx context.Context, c *actions.Call, p project, in instruction, r *reached, name string) error {
	in.Mode = "look"
	o, err := p.order(ctx, r.at, session{r.target, r.conn.ID, name}, in)
	if err != nil {
		return err
	}
	e, err := r.host.observe(ctx, c, o)
	switch {
	case err != nil:
		return fmt.Errorf("looking at the project: %w", err)
	case !e.ok():
		return e.withoutDir().failure(r.target.URL)
	}
	if err := json.Unmarshal([]byte(e.stdout), &r.survey); err != nil {
		return fmt.Errorf("what the driver answered cannot be read: %w", err)
	}
	if err := p.expects(r.survey); err != nil {
		return err
	}
	return r.sameHeads(ctx)
}

// withoutDir: of a look, nothing is kept that a person could be sent to.
func (e ended) withoutDir() ended {
	e.dir = "nowhere: it was a look; run alembic current in the project to see it"
	return e
}

// expects compares where env.py keeps the version with what the step says.
func (p project) expects(s survey) error {
	for _, x := range []struct{ what, want, have string }{{"table", p.VersionTable, s.Table.Name}, {"schema", p.VersionSchema, s.Table.Schema}} {
		if x.want != "" && x.want != x.have {
			return actions.Refuse("correct the step or env.py", "env.py keeps the version in %s %s, the step says %s", x.what, x.have, x.want)
		}
	}
	return nil
}

// sameHeads: what alembic reads through env.py must be what we read.
func (r *reached) sameHeads(ctx context.Context) error {
	have, err := r.survey.Table.read(ctx, r.conn)
	if err != nil {
		return err
	}
	if same(have, r.survey.Heads) {
		return nil
	}
	return actions.Conflict("run it again when the other migration has ended", "alembic saw the version %s, we see %s", word(r.survey.Heads), word(have))
}

// word writes heads for people.
func word(heads []string) string {
	if len(heads) == 0 {
		return "base"
	}
	return strings.Join(heads, ", ")
}
