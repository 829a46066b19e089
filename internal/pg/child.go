package pg

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
)

// Child is what a program of libpq (psql, pg_restore, anything with psycopg)
// needs to reach a database: variables without a secret, and the password file
// that it reads at supervise.SecretPath.
type Child struct {
	Env    map[string]string
	Secret []byte
}

// ForChild gives the surroundings of a child process that works in a database;
// "" is the one of the target. settings are parameters of its session,
// lock_timeout and the like. Every variable of libpq is to be dropped from the
// environment it gets besides: tool.Environment(child.Env, "PG").
func ForChild(t actions.DatabaseTarget, database, application string, settings map[string]string) (Child, error) {
	p, err := ParsePlace(t)
	if err != nil {
		return Child{}, err
	}
	if database == "" {
		database = p.Database
	}
	secret, err := password(t)
	if err != nil {
		return Child{}, err
	}
	// The server looks from time to time whether its client is still there, and
	// ends an orphaned statement: PostgreSQL 14 and later. It shortens the time
	// that Fence waits and does not replace it.
	options := []string{"-c client_connection_check_interval=500ms"}
	for name, value := range settings {
		options = append(options, "-c "+name+"="+strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), " ", `\ `))
	}
	c := Child{Env: map[string]string{
		"PGHOST": p.Host, "PGPORT": strconv.Itoa(p.Port), "PGUSER": p.User, "PGDATABASE": database,
		"PGAPPNAME": application, "PGOPTIONS": strings.Join(options, " "), "PGCONNECT_TIMEOUT": "10",
		"PGSSLMODE": "prefer",
	}}
	for key, values := range p.options {
		if name, known := variables()[key]; known {
			c.Env[name] = values[len(values)-1]
		} else {
			return Child{}, actions.Invalid("known are: sslmode, sslrootcert, sslcert, sslkey, channel_binding, target_session_attrs, gssencmode",
				"the option %q of the database's URL cannot be given to a program", key)
		}
	}
	if secret != "" {
		c.Env["PGPASSFILE"] = supervise.SecretPath
		// One line for whatever the program connects to in this environment.
		c.Secret = fmt.Appendf(nil, "*:*:*:*:%s\n", strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(secret))
	}
	return c, nil
}

// variables names the variable of libpq for an option of a URL.
func variables() map[string]string {
	return map[string]string{
		"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
		"channel_binding": "PGCHANNELBINDING", "target_session_attrs": "PGTARGETSESSIONATTRS", "gssencmode": "PGGSSENCMODE",
	}
}
