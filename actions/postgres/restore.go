package postgres

import (
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

type restoreIn struct {
	which
	File           string   `json:"file" doc:"the dump, on this machine: custom, directory or tar of pg_dump, or its plain SQL, also packed with gzip or zstd; which one it is shows its content, not its name"`
	AcceptDataLoss string   `json:"accept_data_loss" default:"" doc:"how much of what was written since the dump may be lost: a duration like 15m, or all; without it the step is refused and says how much it would be"`
	Verify         []string `json:"verify,omitempty" doc:"statements that read, asked of the restored database before it takes the place of the other: the first value of each must be true, or neither 0 nor empty"`
	Jobs           int      `json:"jobs" default:"2" minimum:"1" maximum:"32" doc:"number of tables that are restored side by side, where the format allows it: custom and directory"`
	KeepOwners     bool     `json:"keep_owners" default:"true" doc:"whether objects get the owners and privileges that the dump gives them; false gives all of them to our role"`
	Bin            string   `json:"bin,omitempty" doc:"folder of pg_restore and psql; without it they are looked for in PATH"`
	Maintenance    string   `json:"maintenance" default:"postgres" doc:"database to connect to while this one is renamed"`
}

// restoreState is what was found out before. What ends with receipt is new in
// each attempt, and so not what a saved plan is compared by.
type restoreState struct {
	dump
	Live    string   `json:"live"`
	OID     uint32   `json:"oid"`
	Missing []string `json:"missing"` // objects that will not be there any more
	Emptied []string `json:"emptied"` // tables that have rows now and none in the dump
	Aside   string   `json:"aside_receipt"`
	Kept    string   `json:"kept_receipt"`
	Child   string   `json:"child_receipt"`
	Host    string   `json:"host_receipt"`
}

// job is the child that fills the aside database with that OID. The OID binds
// them: a child that ended well says nothing of a database that was made anew.
func (st restoreState) job(oid uint32) tool.Job {
	return tool.Job{Child: fmt.Sprintf("%s-%d", st.Child, oid), Host: st.Host}
}

type restoreOut struct {
	Database string   `json:"database" doc:"name of the database that was restored"`
	OID      int      `json:"oid" doc:"its OID now"`
	Kept     string   `json:"kept" doc:"name under which the database that it replaced is kept"`
	KeptOID  int      `json:"kept_oid" doc:"OID of that one, which it had before"`
	Made     string   `json:"made" doc:"when the dump was made, as far as it is known"`
	Lost     *float64 `json:"lost_s" doc:"seconds between the dump and the swap: what was written in them is not in the database any more"`
	SHA256   string   `json:"sha256" doc:"SHA-256 of the dump"`
	Format   string   `json:"format" doc:"what the dump was"`
	Tables   int      `json:"tables" doc:"number of tables that the dump makes"`
	Rows     int      `json:"rows" doc:"number of rows that the dump holds"`
}

type restore struct{ family }

func restoreAction(f family) actions.Action {
	a := restore{f}
	return actions.Define(actions.Def[restoreIn, restoreState, restoreOut]{
		Name:    "postgres.restore",
		Summary: "Put a database back from a dump: restore it aside, verify it, and exchange the names in one transaction; the old database is kept under another name.",
		Effect:  actions.Destroy,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		Undo: func(in restoreIn, st restoreState, _ restoreOut) ([]actions.Step, error) {
			with := map[string]any{"with": st.Kept, "maintenance": in.Maintenance}
			if in.Database != "" {
				with["database"] = in.Database
			}
			// What was written since is lost again, so the step asks again: it
			// is refused until somebody writes accept_data_loss into it.
			return []actions.Step{{Name: "Give " + st.Live + " back its old content", Uses: "postgres.swap", With: with}}, nil
		},
		Owes: func(_ restoreIn, st restoreState) []actions.Obligation {
			return []actions.Obligation{{Key: keptKey(st.Kept), What: "the old database is kept as " + st.Kept, Until: "nobody needs to go back to it", Instead: "postgres.drop_kept"}}
		},
		Tell: func(o restoreOut) string {
			return fmt.Sprintf("%s holds the dump of %s, %d tables; the old one is kept as %s", o.Database, o.Made, o.Tables, o.Kept)
		},
		Examples: []actions.Example{
			{Title: "Put back the backup from before the deployment", YAML: "uses: postgres.restore\nwith: {file: backup_pre_deployment.sql, accept_data_loss: 15m}\ntimeout: 9m"},
			{Title: "Swap only when the application could work with it", YAML: "uses: postgres.restore\nwith:\n  database: app\n  file: /var/backups/app.dump\n  jobs: 4\n  accept_data_loss: 1h\n  verify:\n    - select count(*) > 1000 from customers\n    - select version_num = '3f2a' from alembic_version\ntimeout: 9m"},
		},
	})
}

// keptKey names the obligation to let go of a database that was kept.
func keptKey(name string) string { return "kept database " + name }
