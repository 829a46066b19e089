package alembic

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/tool"
)

//go:embed driver/*.py
var driverParts embed.FS

// driver gives the program that drives alembic, all of it in one text.
func driver() ([]byte, error) {
	var text []byte
	for _, part := range []string{"order", "connection", "project", "resolve", "describe", "look", "run", "main"} {
		b, err := driverParts.ReadFile("driver/" + part + ".py")
		if err != nil {
			return nil, err
		}
		text = append(text, b...)
		text = append(text, "\n\n"...)
	}
	return text, nil
}

// instruction is what the driver is told. It stands in the list of arguments, so
// it holds no secret.
type instruction struct {
	Mode      string            `json:"mode"` // look, run
	Config    string            `json:"config"`
	Section   string            `json:"section"`
	X         []string          `json:"x"`
	System    string            `json:"system"` // who the database must be
	Database  string            `json:"database"`
	Settings  map[string]string `json:"settings"` // of each session
	Deadline  float64           `json:"deadline"` // seconds since 1970, 0 for none
	Direction string            `json:"direction"`
	To        string            `json:"to"`
	Heads     []string          `json:"heads"`
	From      []string          `json:"from"`
	ToHeads   []string          `json:"to_heads"`
	Path      []order           `json:"path"`
	Files     files             `json:"files,omitzero"`
	Lock      [2]int32          `json:"lock"`
}

// order is one revision that is to be run.
type order struct {
	Revision string  `json:"revision"`
	SHA256   string  `json:"sha256"`
	Empty    []empty `json:"empty"`
}

// empty is a table, or a column of one, that must hold nothing when its revision
// is run.
type empty struct {
	Table  string `json:"table"`  // quoted, with its schema
	Column string `json:"column"` // quoted, or ""
	What   string `json:"what"`
}

// files are the digests of what decides how revisions are run.
type files struct {
	Config string `json:"config"`
	Env    string `json:"env"`
}

// session is what a child works with: a database that was proved.
type session struct {
	target      actions.DatabaseTarget
	id          pg.Identity
	application string
}

// order gives what is to be run, but for the instruction's own part.
func (p project) order(ctx context.Context, at place, s session, in instruction) (tool.Order, error) {
	in.Config, in.Section, in.System, in.Database = at.Config, p.Section, s.id.System, s.id.Database
	in.X, in.Heads = []string{}, append([]string{}, in.Heads...)
	for _, name := range slices.Sorted(maps.Keys(p.X)) {
		in.X = append(in.X, name+"="+p.X[name])
	}
	settings := map[string]string{"lock_timeout": millis(p.LockTimeout.Std()), "statement_timeout": millis(p.StatementTimeout.Std())}
	child, err := pg.ForChild(s.target, "", s.application, settings)
	if err != nil {
		return tool.Order{}, err
	}
	in.Settings = settings
	in.Settings["application_name"] = s.application
	in.Settings["client_connection_check_interval"] = "500"
	if in.Mode == "look" {
		in.Settings["default_transaction_read_only"] = "on"
	}
	if at, ok := ctx.Deadline(); ok {
		in.Deadline = float64(at.UnixMilli()) / 1000
	}
	text, err := json.Marshal(in)
	if err != nil {
		return tool.Order{}, err
	}
	program, err := driver()
	if err != nil {
		return tool.Order{}, err
	}
	return tool.Order{
		Program: at.Python, Args: []string{at.Python.Path, "-", string(text)}, Dir: at.Dir,
		Env: p.environment(child, s.target), Stdin: program, Secret: child.Secret,
	}, nil
}

// environment is ours without what leads libpq elsewhere.
func (p project) environment(child pg.Child, t actions.DatabaseTarget) []string {
	set := map[string]string{"PYTHONDONTWRITEBYTECODE": "1"} // a look leaves nothing behind
	maps.Copy(set, p.Env)
	maps.Copy(set, child.Env)
	if p.URLEnv != "" {
		set[p.URLEnv] = plainURL(t.URL)
	}
	return tool.Environment(set, "PG")
}

// plainURL gives the URL as SQLAlchemy takes it, which does not know the scheme
// postgres since version 1.4.
func plainURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // was parsed before
	}
	u.Scheme = "postgresql"
	return u.String()
}

func millis(d time.Duration) string {
	if d > 0 && d < time.Millisecond {
		d = time.Millisecond // 0 would be no limit
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// The exit codes by which the driver says that nothing was begun.
const (
	codeWrong    = 41
	codeDialect  = 42
	codeConflict = 43
	codeBusy     = 44
	codeInvalid  = 45
)

// harmless says whether a child ended before it began to change anything.
func (e ended) harmless() bool { return e.signal == "" && e.code >= codeWrong && e.code <= codeInvalid }

// failure turns the end of a child into an error of the kind that it says.
func (e ended) failure(url string) error {
	why := e.why()
	hint := "its output is in " + e.dir
	switch {
	case !e.harmless():
		return e.failed(why, hint)
	case e.code == codeWrong:
		return actions.Refuse("env.py must lead to the database of the target, "+url+"; an env.py that reads a URL from a variable gets it with url_env", "%s; nothing was changed", why)
	case e.code == codeDialect:
		return actions.Refuse("", "%s; nothing was changed", why)
	case e.code == codeConflict:
		return actions.Conflict("look at it, then run the playbook again", "%s; nothing was changed", why)
	case e.code == codeBusy:
		return actions.Conflict("see who it is: psql -c \"select * from pg_stat_activity where application_name like 'runback/%'\"", "%s; nothing was changed", why)
	default:
		return actions.Invalid(hint, "alembic: %s", why)
	}
}

func (e ended) failed(why, hint string) error {
	if strings.Contains(why, "SQLSTATE 55P03") {
		hint = "see who holds the lock with postgres.locks, or let the step retry; lock_timeout says how long it waits"
	}
	if e.stopped != "" {
		why = fmt.Sprintf("was stopped (%s): %s", e.stopped, why)
	}
	return &actions.Error{Kind: actions.KindFailed, Hint: hint, Err: fmt.Errorf("alembic: %s", why)}
}

// why gives what the driver said last.
func (e ended) why() string {
	lines := strings.Split(strings.TrimSpace(e.stderr), "\n")
	for _, line := range slices.Backward(lines) {
		if said, is := strings.CutPrefix(line, "runback: "); is {
			return said
		}
	}
	last := tool.LastLine(e.stderr)
	if e.signal != "" {
		return strings.TrimSuffix("ended by signal: "+e.signal+", last said: "+last, ", last said: ")
	}
	return strings.TrimSuffix(fmt.Sprintf("exited with %d: %s", e.code, last), ": ")
}
