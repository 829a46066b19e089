package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

type dropIn struct {
	which
	Name        string `json:"name" doc:"database to drop: one that a restore or a swap kept or left"`
	Confirm     string `json:"confirm" default:"" doc:"its name once more, exactly"`
	Maintenance string `json:"maintenance" default:"postgres" doc:"database to connect to meanwhile"`
}

type dropState struct {
	Name    string `json:"name"`
	OID     uint32 `json:"oid"` // 0 when there is none
	Comment string `json:"comment"`
}

type dropOut struct {
	Name    string `json:"name" doc:"name of the database"`
	Dropped bool   `json:"dropped" doc:"whether it was there and was dropped"`
}

func dropAction() actions.Action {
	return actions.Define(actions.Def[dropIn, dropState, dropOut]{
		Name:    "postgres.drop_kept",
		Summary: "Drop a database that a restore kept, when nobody needs to go back to it; any other database is refused.",
		Effect:  actions.Destroy,
		Prepare: prepareDrop, Preview: previewDrop, Run: runDrop, Probe: probeDrop,
		NoUndo:  "what is dropped is gone",
		Settles: func(_ dropIn, st dropState) []string { return []string{keptKey(st.Name)} },
		Tell: func(o dropOut) string {
			if o.Dropped {
				return o.Name + " is dropped"
			}
			return "there was no " + o.Name
		},
		Examples: []actions.Example{
			{Title: "Let go of what was there before a restore", YAML: "uses: postgres.drop_kept\nwith: {name: app_db_was_k3x8qz_1f2e3d4c, confirm: app_db_was_k3x8qz_1f2e3d4c}"},
		},
	})
}

func prepareDrop(ctx context.Context, c *actions.Call, in dropIn) (dropState, error) {
	if in.Confirm != in.Name || in.Name == "" {
		return dropState{}, actions.Refuse("write its name once more: confirm: "+in.Name, "dropping %s is not confirmed: confirm says %q", in.Name, in.Confirm)
	}
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return dropState{}, err
	}
	defer conn.Close()
	all, err := find(ctx, conn, in.Name)
	if err != nil {
		return dropState{}, err
	}
	b := all[in.Name]
	st := dropState{in.Name, b.OID, b.Comment}
	switch {
	case !b.there:
		return st, nil
	case in.Name == conn.At.Database:
		return st, actions.Refuse("", "database %s is the one in use", in.Name)
	case !strings.HasPrefix(b.Comment, keptMark) && !strings.HasPrefix(b.Comment, asideMark):
		return st, actions.Refuse("only what postgres.restore or postgres.swap left is dropped", "database %s is not one that a restore kept: its comment is %q", in.Name, b.Comment)
	}
	return st, emptyOfSessions(ctx, conn, b)
}

// emptyOfSessions: somebody looks at it, or a restore fills it right now.
func emptyOfSessions(ctx context.Context, conn *pg.Conn, b base) error {
	in, err := column(ctx, conn, "looking for sessions", `select distinct coalesce(usename, '') || ' (' || coalesce(application_name, '') || ')' from pg_stat_activity where datid = $1 and usesysid is not null order by 1`, b.OID)
	if err == nil && len(in) > 0 {
		err = actions.Refuse("wait until they are gone, or end them", "somebody is in database %s: %s", b.Name, strings.Join(in, ", "))
	}
	return err
}

func previewDrop(ctx context.Context, c *actions.Call, in dropIn, st dropState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Predicted, Summary: "nothing to do: there is no database " + st.Name, Object: "database " + st.Name}
	if st.OID == 0 {
		return p, nil
	}
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return p, err
	}
	defer conn.Close()
	p.Summary = "drops database " + st.Name + " for good"
	p.Changes = []actions.FieldChange{{Path: "database", Before: fmt.Sprintf("OID %d, %s", st.OID, st.Comment)}}
	var size int64
	if conn.QueryRow(ctx, `select pg_database_size($1::oid)`, st.OID).Scan(&size) == nil {
		p.Notes = append(p.Notes, "it has "+bytesWords(size))
	}
	return p, nil
}

func runDrop(ctx context.Context, c *actions.Call, in dropIn, st dropState) (dropOut, error) {
	out := dropOut{Name: st.Name}
	if st.Name == "" {
		return out, errors.New("nothing was prepared")
	}
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return out, err
	}
	defer conn.Close()
	all, err := find(ctx, conn, st.Name)
	if err != nil || st.OID == 0 || all[st.Name].OID != st.OID {
		return out, err
	}
	b := all[st.Name]
	if b.Comment != st.Comment {
		return out, actions.Conflict("run the playbook again", "database %s was marked in another way since: %q", st.Name, b.Comment)
	}
	if err := emptyOfSessions(ctx, conn, b); err != nil {
		return out, err
	}
	_, err = conn.Exec(ctx, "drop database "+ident(st.Name)) // without force: whoever comes in now has a reason
	out.Dropped = err == nil
	return out, acted(pg.Explain(ctx, err, "dropping database "+st.Name))
}

func probeDrop(ctx context.Context, c *actions.Call, in dropIn, st dropState) (actions.Verdict, dropOut, error) {
	out := dropOut{Name: st.Name}
	conn, err := in.openOther(ctx, c, in.Maintenance)
	if err != nil {
		return actions.Unknown, out, err
	}
	defer conn.Close()
	left, err := ended(ctx, c, conn, application(c))
	switch {
	case err != nil:
		return actions.Unknown, out, err
	case left:
		return actions.InFlight, out, sessionsAtWork()
	}
	all, err := find(ctx, conn, st.Name)
	switch {
	case err != nil:
		return actions.Unknown, out, err
	case st.OID != 0 && all[st.Name].OID == st.OID:
		return actions.NotApplied, out, nil
	}
	out.Dropped = st.OID != 0
	return actions.Applied, out, nil
}
