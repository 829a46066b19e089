package pg

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
)

// Conn is one session with a database that was proved to be the one meant.
type Conn struct {
	*pgx.Conn
	ID Identity
	At Place
}

// Identity says which database of which server is reached, and as whom.
type Identity struct {
	System   string // system identifier: made when the cluster was made, kept by its replicas
	Database string // name
	OID      uint32 // changes when another database gets the name
	Server   string // host:port as it was asked for
	User     string // as the server sees us
	Version  int    // server_version_num: 150018
	Replica  bool   // in recovery: reads only, shows no locks of the primary
}

// Open connects to a database of a target, proves that the server is the one
// that was pinned, and gives the session. application names the session for
// whoever looks at pg_stat_activity; see Application.
func Open(ctx context.Context, t actions.DatabaseTarget, application string) (*Conn, error) {
	return OpenOther(ctx, t, "", application)
}

// OpenOther connects to another database of the same server: "postgres", where
// databases are renamed, or one that was restored aside. "" is the one of the
// target.
func OpenOther(ctx context.Context, t actions.DatabaseTarget, database, application string) (*Conn, error) {
	p, err := ParsePlace(t)
	if err != nil {
		return nil, err
	}
	if database == "" {
		database = p.Database
	}
	cfg, err := config(t, p, database, application)
	if err != nil {
		return nil, err
	}
	raw, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, Explain(ctx, plain(err, cfg.Password), "connecting to database "+database+" at "+p.Server())
	}
	c := &Conn{Conn: raw, At: p}
	if err := c.prove(ctx, t, database); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// prove asks the server who it is. A pooler or a moved name may lead elsewhere
// than the URL says.
func (c *Conn) prove(ctx context.Context, t actions.DatabaseTarget, database string) error {
	c.ID.Server = c.At.Server()
	err := c.QueryRow(ctx, `select s.system_identifier::text, current_database(), d.oid, current_user::text,
		current_setting('server_version_num')::int, pg_is_in_recovery()
		from pg_control_system() s, pg_database d where d.datname = current_database()`).
		Scan(&c.ID.System, &c.ID.Database, &c.ID.OID, &c.ID.User, &c.ID.Version, &c.ID.Replica)
	if err != nil {
		return Explain(ctx, err, "asking the server who it is")
	}
	if c.ID.Database != database {
		return actions.Refuse("something between us and the server leads elsewhere; check the URL", "asked for database %s, reached %s", database, c.ID.Database)
	}
	if t.System != "" && t.System != c.ID.System {
		return actions.Refuse("check the URL of the database; nothing was changed",
			"this is not the server that was planned: %s has system identifier %s, expected was %s", c.ID.Server, c.ID.System, t.System)
	}
	return nil
}

// closeTime bounds the farewell.
const closeTime = 2 * time.Second

// Close ends the session, whatever became of the context that it was opened
// with.
func (c *Conn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = c.Conn.Close(ctx) // the server notices the end in any case
}

// Identify says which database a target names, as the keys of an identity.
func Identify(ctx context.Context, name string, t actions.DatabaseTarget) (map[string]string, error) {
	c, err := Open(ctx, t, "runback")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	of := func(field string) string { return "database." + name + "." + field }
	return map[string]string{
		of("system"): c.ID.System, of("database"): c.ID.Database, of("server"): c.ID.Server, of("user"): c.ID.User,
		of("version"): strconv.Itoa(c.ID.Version),
	}, nil
}
