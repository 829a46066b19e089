package pg

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
)

// Place is where a database is, taken from its URL.
type Place struct {
	Host     string // a name, an address, or the folder of a Unix socket
	Port     int
	Database string
	User     string
	options  url.Values // sslmode and its like
}

// ParsePlace reads the URL of a target. What it leaves open is a mistake: libpq
// would take it from the surroundings, and the playbook would act on what they
// happen to hold.
func ParsePlace(t actions.DatabaseTarget) (Place, error) {
	const form = "write it like postgres://app@db.internal:5432/app_db?sslmode=verify-full"
	u, err := url.Parse(t.URL)
	if err != nil {
		// The cause quotes the URL, which may hold a password after all.
		return Place{}, actions.Invalid(form, "the URL of the database cannot be read")
	}
	p := Place{Host: u.Hostname(), Port: 5432, Database: strings.TrimPrefix(u.Path, "/"), User: u.User.Username(), options: u.Query()}
	if _, given := u.User.Password(); given || p.options.Has("password") {
		return Place{}, actions.Invalid("use password_env or password_file: a URL is recorded and shown", "the URL of the database holds a password")
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return Place{}, actions.Invalid(form, "the URL of the database begins with %q", u.Scheme)
	}
	if h := p.options.Get("host"); h != "" && p.Host == "" { // a Unix socket cannot stand before the slash
		p.Host = h
	}
	if u.Port() != "" {
		if p.Port, err = strconv.Atoi(u.Port()); err != nil {
			return Place{}, actions.Invalid(form, "the port of the database is %q", u.Port())
		}
	}
	for _, missing := range []struct{ what, value string }{{"host", p.Host}, {"database", p.Database}, {"user", p.User}} {
		if missing.value == "" {
			return Place{}, actions.Invalid(form, "the URL of the database names no %s", missing.what)
		}
	}
	for _, own := range []string{"host", "port", "user", "dbname", "application_name", "options", "passfile", "service"} {
		p.options.Del(own)
	}
	return p, nil
}

// Server names the server: host and port.
func (p Place) Server() string {
	if strings.HasPrefix(p.Host, "/") {
		return p.Host + ":" + strconv.Itoa(p.Port)
	}
	if strings.Contains(p.Host, ":") {
		return "[" + p.Host + "]:" + strconv.Itoa(p.Port)
	}
	return p.Host + ":" + strconv.Itoa(p.Port)
}

// password gives the password from where the target says, and "" when the
// password file of libpq is to be asked.
func password(t actions.DatabaseTarget) (string, error) {
	switch {
	case t.PasswordEnv != "" && t.PasswordFile != "":
		return "", actions.Invalid("name one of them", "the database has both password_env and password_file")
	case t.PasswordEnv != "":
		v, ok := os.LookupEnv(t.PasswordEnv)
		if !ok {
			return "", actions.Invalid("set it where runback is started", "the password of the database is not there: variable %s is not set", t.PasswordEnv)
		}
		return v, nil
	case t.PasswordFile != "":
		b, err := os.ReadFile(t.PasswordFile)
		if err != nil {
			return "", actions.Invalid("", "the password of the database is not there: %w", err)
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
	default:
		return "", nil
	}
}

// config gives what pgx needs. Every value is set here, so that none comes from
// PG variables; but for the passwords of PGPASSFILE and ~/.pgpass, which name
// the server they are for.
func config(t actions.DatabaseTarget, p Place, database, application string) (*pgx.ConnConfig, error) {
	secret, err := password(t)
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(p.dsn(database))
	if err != nil {
		return nil, actions.Invalid("check the part of the URL behind the ?", "the URL of the database cannot be used: %w", plain(err, secret))
	}
	if secret != "" {
		cfg.Password = secret
	}
	cfg.ConnectTimeout = connectTimeout
	cfg.RuntimeParams = map[string]string{
		"application_name":                    application,
		"statement_timeout":                   "60s",
		"lock_timeout":                        "5s",
		"idle_in_transaction_session_timeout": "60s",
		"DateStyle":                           "ISO",
	}
	// A pooler in front of the server would not take prepared statements.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	return cfg, nil
}

// connectTimeout bounds one try to connect; the deadline of the step bounds all.
const connectTimeout = 10 * time.Second

// dsn writes a place as libpq keywords, where nothing has to be escaped but
// quotes and backslashes.
func (p Place) dsn(database string) string {
	var b strings.Builder
	put := func(key, value string) {
		fmt.Fprintf(&b, "%s='%s' ", key, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
	}
	put("host", p.Host)
	put("port", strconv.Itoa(p.Port))
	put("user", p.User)
	put("dbname", database)
	if !p.options.Has("sslmode") {
		put("sslmode", "prefer") // what libpq does, whatever PGSSLMODE says
	}
	for key, values := range p.options {
		put(key, values[len(values)-1])
	}
	return b.String()
}

// plain keeps a secret out of the message of an error.
func plain(err error, secret string) error {
	if secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "[password]"))
}
