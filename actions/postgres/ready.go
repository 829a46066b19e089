package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

type readyIn struct{ which }

type readyOut struct {
	Status    string `json:"status" doc:"what pg_isready would say: accepting, rejecting (it starts up, shuts down or is full) or no_response"`
	Accepting bool   `json:"accepting" doc:"whether it accepts connections"`
	Reason    string `json:"reason" doc:"why it does not; empty when it does"`
	Server    string `json:"server" doc:"host and port that were asked"`
	Database  string `json:"database" doc:"name of the database"`
	System    string `json:"system" doc:"system identifier of the server, by which a run knows it again"`
	User      string `json:"user" doc:"role that we are there"`
	Version   string `json:"version" doc:"version of the server"`
	Replica   *bool  `json:"replica" doc:"whether it is a replica; unknown when it does not answer"`

	Connections    *int     `json:"connections" doc:"connections in use on the whole server; unknown when it does not answer"`
	MaxConnections *int     `json:"max_connections" doc:"connections that it allows, those reserved for superusers not counted"`
	Used           *float64 `json:"used" doc:"share of the connections that are in use, 0 to 1"`
	Here           *int     `json:"here" doc:"connections to this database, our own included"`

	OldestTransaction *float64 `json:"oldest_transaction_s" doc:"age of the oldest open transaction of the server in seconds, 0 when there is none; unknown when not all sessions can be seen"`
	IdleInTransaction *int     `json:"idle_in_transaction" doc:"sessions that hold a transaction open and do nothing; unknown when not all sessions can be seen"`
	SeesAll           *bool    `json:"sees_all" doc:"whether our role may see the sessions of others (pg_read_all_stats)"`
	ReplayLag         *float64 `json:"replay_lag_s" doc:"seconds since the last transaction that a replica replayed; unknown on a primary"`
	Up                *float64 `json:"up_s" doc:"seconds since the server was started"`
}

func readyAction() actions.Action {
	return actions.Define(actions.Def[readyIn, struct{}, readyOut]{
		Name:    "postgres.ready",
		Summary: "Ask a database whether it accepts connections, whether it is the server that is meant, and how much room it has; one that does not answer is a result, not an error.",
		Effect:  actions.Observe,
		Run:     ready,
		Tell:    tellReady,
		Examples: []actions.Example{
			{Title: "See that the database answers and has room", YAML: "uses: postgres.ready\nexpect: outputs.accepting && outputs.used < 0.9"},
			{Title: "Wait until it is a primary again", YAML: "uses: postgres.ready\nwith: {database: app}\nverify: {until: outputs.replica == false, within: 2m}"},
		},
	})
}

func ready(ctx context.Context, c *actions.Call, in readyIn, _ struct{}) (readyOut, error) {
	t, err := c.Target.Database(in.Database)
	if err != nil {
		return readyOut{}, err
	}
	place, err := pg.ParsePlace(t)
	if err != nil {
		return readyOut{}, err
	}
	out := readyOut{Server: place.Server(), Database: place.Database, User: place.User, System: t.System}
	conn, err := in.open(ctx, c)
	if err != nil {
		return out.unanswered(ctx, err)
	}
	defer conn.Close()
	out.Status, out.Accepting = "accepting", true
	out.System, out.Replica = conn.ID.System, &conn.ID.Replica
	return out, out.measure(ctx, conn)
}

// unanswered tells a server that is not there from one that refuses for now.
// What it refuses for good, and another server than was meant, are errors.
func (o readyOut) unanswered(ctx context.Context, err error) (readyOut, error) {
	if ctx.Err() != nil || actions.KindOf(err) != actions.KindUnreachable {
		return o, err
	}
	o.Status, o.Reason = "no_response", err.Error()
	if strings.Contains(o.Reason, "SQLSTATE") {
		o.Status = "rejecting"
	}
	return o, nil
}

// measure asks for what is counted. pg_stat_database counts sessions whoever
// owns them; when a transaction began is hidden of the sessions of others.
func (o *readyOut) measure(ctx context.Context, conn *pg.Conn) error {
	err := conn.QueryRow(ctx, `select current_setting('server_version'),
		(select sum(numbackends)::int from pg_stat_database),
		current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
			- coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int,
		(select numbackends from pg_stat_database where datname = current_database()),
		pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
		(select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'),
		(select count(*)::int from pg_stat_activity where state in ('idle in transaction', 'idle in transaction (aborted)')),
		case when pg_is_in_recovery() then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 end,
		extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8`).
		Scan(&o.Version, &o.Connections, &o.MaxConnections, &o.Here, &o.SeesAll, &o.OldestTransaction, &o.IdleInTransaction, &o.ReplayLag, &o.Up)
	if err != nil {
		return pg.Explain(ctx, err, "asking the server how it is")
	}
	if !*o.SeesAll {
		o.OldestTransaction, o.IdleInTransaction = nil, nil
	}
	if *o.MaxConnections > 0 {
		used := float64(*o.Connections) / float64(*o.MaxConnections)
		o.Used = &used
	}
	return nil
}

func tellReady(o readyOut) string {
	if !o.Accepting {
		return o.Status + ": " + o.Reason
	}
	role := "primary"
	if o.Replica != nil && *o.Replica {
		role = "replica"
	}
	s := fmt.Sprintf("accepts connections, %s, PostgreSQL %s", role, o.Version)
	if o.Connections != nil && o.MaxConnections != nil {
		s += fmt.Sprintf(", %d of %d connections in use", *o.Connections, *o.MaxConnections)
	}
	return s
}
