package alembic

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type currentIn struct{ project }

type currentOut struct {
	Heads     []string `json:"heads" doc:"revisions that the database is at, as its version table says; none is base"`
	Head      string   `json:"head" doc:"the revision that the database is at; empty unless there is exactly one"`
	Known     bool     `json:"known" doc:"whether the code has the files of all of them; without them alembic can do nothing"`
	Unknown   []string `json:"unknown" doc:"those that the code does not have: the database is ahead of the code"`
	Ahead     int      `json:"ahead" doc:"number of heads of the database that the code does not have"`
	Behind    *int     `json:"behind" doc:"number of revisions of the code that the database has not seen; unknown while it is ahead"`
	CodeHeads []string `json:"code_heads" doc:"newest revisions of the code"`
	Revisions int      `json:"revisions" doc:"number of revisions of the code"`
	Database  string   `json:"database" doc:"name of the database, as the server says"`
	System    string   `json:"system" doc:"system identifier of the server"`
	Table     string   `json:"table" doc:"table that the version is kept in"`
	Alembic   string   `json:"alembic" doc:"version of alembic"`
	SQL       string   `json:"sqlalchemy" doc:"version of SQLAlchemy"`
}

func (f family) currentAction() actions.Action {
	return actions.Define(actions.Def[currentIn, struct{}, currentOut]{
		Name:    "alembic.current",
		Summary: "Say which alembic revision a PostgreSQL database is at, and whether the code at hand knows it.",
		Effect:  actions.Observe,
		Run:     f.current,
		Tell:    tellCurrent,
		Examples: []actions.Example{
			{Title: "See that the code can take the database back", YAML: "uses: alembic.current\nwith: {dir: /srv/shop}\nexpect: outputs.known"},
			{Title: "Wait for the release job to migrate", YAML: "uses: alembic.current\nwith: {database: app, dir: /srv/shop, url_env: DATABASE_URL}\nverify: {until: outputs.known && outputs.behind == 0, within: 2m}"},
		},
	})
}

func (f family) current(ctx context.Context, c *actions.Call, in currentIn, _ struct{}) (currentOut, error) {
	if err := in.valid(); err != nil {
		return currentOut{}, err
	}
	r, err := f.reach(ctx, c, in.project, instruction{})
	if err != nil {
		return currentOut{}, err
	}
	defer r.conn.Close()
	s := r.survey
	out := currentOut{
		Heads: s.Heads, Known: len(s.Unknown) == 0, Unknown: s.Unknown, Ahead: len(s.Unknown), Behind: s.Behind, CodeHeads: s.CodeHeads, Revisions: s.Revisions,
		Database: r.conn.ID.Database, System: r.conn.ID.System, Table: s.Table.String(), Alembic: s.Versions.Alembic, SQL: s.Versions.SQLAlchemy,
	}
	if len(s.Heads) == 1 {
		out.Head = s.Heads[0]
	}
	return out, nil
}

func tellCurrent(out currentOut) string {
	said := out.Database + " is at " + word(out.Heads)
	switch {
	case !out.Known:
		return said + ", which the code does not know"
	case out.Behind != nil && *out.Behind > 0:
		return fmt.Sprintf("%s, %d behind the code", said, *out.Behind)
	default:
		return said
	}
}
