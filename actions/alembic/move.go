package alembic

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
)

// asking bounds a question after the time of a step is over.
const asking = 5 * time.Second

type moveOut struct {
	From      []string `json:"from" doc:"revisions that the database was at; none is base"`
	To        []string `json:"to" doc:"revisions that it is at now"`
	Revisions []string `json:"revisions" doc:"revisions that were run, in order"`
	Changed   bool     `json:"changed" doc:"whether any was run"`
	LostRows  *int     `json:"lost_rows" doc:"rows of dropped tables and values of dropped columns, at most, as counted right before; unknown when they could not be counted or a crash came in between"`
}

// out gives the outputs of a move that took effect.
func (st prepared) out() moveOut {
	out := moveOut{From: st.From, To: st.Target, Revisions: st.names(), Changed: len(st.Path) > 0}
	for _, l := range st.Losses {
		if l.matters() {
			return out
		}
	}
	out.LostRows = new(int)
	return out
}

// with gives the inputs by which another step finds the same project.
func (p project) with(at place) map[string]any {
	out := map[string]any{"dir": at.Dir, "config": at.Config, "section": p.Section, "python": at.Python.Path,
		"lock_timeout": p.LockTimeout.String(), "statement_timeout": p.StatementTimeout.String()}
	for name, value := range map[string]string{"database": p.Database, "url_env": p.URLEnv, "version_table": p.VersionTable, "version_schema": p.VersionSchema,
		"deployment": p.Deployment, "statefulset": p.StatefulSet, "daemonset": p.DaemonSet, "selector": p.Selector, "pod": p.Pod, "container": p.Container} {
		if value != "" {
			out[name] = value
		}
	}
	if len(p.X) > 0 {
		out["x"] = p.X
	}
	if len(p.Env) > 0 {
		out["env"] = p.Env
	}
	return out
}

// undo goes back to the heads from before, exactly. The name of the step says
// what it cannot bring back.
func undo(in moveIn, st prepared, out moveOut, d direction) ([]actions.Step, error) {
	if len(st.Path) == 0 {
		return nil, nil
	}
	with := in.with(st.At)
	with["heads"] = st.From
	if len(st.From) == 0 {
		with["heads"] = []string{"base"}
	}
	step := actions.Step{Name: "Upgrade the database back to " + word(st.From), Uses: "alembic.upgrade", With: with}
	if d == upgrade {
		step.Name, step.Uses = "Downgrade the database back to "+word(st.From), "alembic.downgrade"
	}
	switch {
	case out.LostRows == nil:
		step.Name += ": the structure only; data that was lost does not come back"
	case *out.LostRows > 0:
		step.Name += fmt.Sprintf(": the structure only; %d rows or values that were lost do not come back", *out.LostRows)
	}
	return []actions.Step{step}, nil
}

// differs compares the version with what the move left.
func differs(ctx context.Context, c *actions.Call, in moveIn, st prepared) ([]actions.FieldChange, error) {
	conn, err := st.open(ctx, c, in)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	heads, err := st.Table.read(ctx, conn)
	if err != nil || same(heads, st.Target) {
		return nil, err
	}
	return []actions.FieldChange{{Path: "version in " + st.Table.String(), Before: st.Target, After: heads}}, nil
}

func tell(out moveOut) string {
	if !out.Changed {
		return "the database is at " + word(out.To)
	}
	said := fmt.Sprintf("%s → %s (%s)", word(out.From), word(out.To), strings.Join(out.Revisions, ", "))
	if out.LostRows != nil && *out.LostRows > 0 {
		said += fmt.Sprintf(", %d rows or values lost", *out.LostRows)
	}
	return said
}

func (f family) moveAction(d direction) actions.Action {
	def := actions.Def[moveIn, prepared, moveOut]{
		Name: "alembic." + string(d),
		Prepare: func(ctx context.Context, c *actions.Call, in moveIn) (prepared, error) {
			return f.prepare(ctx, c, in, d)
		},
		Preview: func(ctx context.Context, c *actions.Call, in moveIn, st prepared) (actions.Preview, error) {
			return preview(ctx, c, in, st, d)
		},
		Run: func(ctx context.Context, c *actions.Call, in moveIn, st prepared) (moveOut, error) {
			return f.run(ctx, c, in, st, d)
		},
		Probe:   f.probe,
		Undo:    func(in moveIn, st prepared, out moveOut) ([]actions.Step, error) { return undo(in, st, out, d) },
		Differs: differs,
		Tell:    tell,
	}
	if d == downgrade {
		def.Effect = actions.Destroy
		def.Summary = "Take the schema of a PostgreSQL database back to an earlier alembic revision; what would lose data, cannot be gone through with, or leads to another database is refused before any change."
		def.Examples = []actions.Example{
			{Title: "Take back the last revision", YAML: "uses: alembic.downgrade\nwith: {dir: /srv/shop, to: \"-1\"}\ntimeout: 5m\nretry: {attempts: 3, delay: 5s}"},
			{Title: "Take back one branch, with the data of what it added", YAML: "uses: alembic.downgrade\nwith: {database: app, dir: /srv/shop, python: .venv/bin/python, to: billing@-1, accept_data_loss: true}"},
		}
	} else {
		def.Effect = actions.Change
		def.Summary = "Bring the schema of a PostgreSQL database forward to an alembic revision, with the same care as a downgrade."
		def.Examples = []actions.Example{
			{Title: "Bring the database to the newest revision", YAML: "uses: alembic.upgrade\nwith: {dir: /srv/shop, to: head}\ntimeout: 5m"},
			{Title: "Go exactly where it was before", YAML: "uses: alembic.upgrade\nwith: {dir: /srv/shop, heads: [3f2a91c0b7de, 8c1d04e5aa10], url_env: DATABASE_URL}"},
		}
	}
	return actions.Define(def)
}
