package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// pipe runs a program that writes SQL and psql that reads it. The transaction is
// committed by a word that only follows when the first one ended well: a pipe
// that breaks looks to psql like the end of the file, and psql would commit what
// came so far. Whether it was committed is told by the last line.
const pipe = `{ printf '%s\n' "$BEFORE" && PRODUCE && printf '\n%s\n' "$AFTER"; } | ` +
	`exec "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f -`

// committed is the last line of a pipe that did all of it.
const committed = "runback: committed"

// child names the sessions of the child at the server.
func (r restoring) child() string { return pg.Application(r.c.Key, r.st.Child) }

// order is the child that fills a database.
func (d *dump) order(c *actions.Call, p pg.Child, database string, jobs int, before, after string) tool.Order {
	o := tool.Order{Dir: "/", Secret: p.Secret, Grace: 5 * time.Second}
	env := p.Env
	switch {
	case d.piped():
		produce := `"$PRODUCER" -dc -- "$FILE"`
		env["PRODUCER"] = d.Packer.Path
		if d.Format.archive() {
			produce = `"$PRODUCER" ` + strings.Join(d.restoreFlags(), " ") + ` -f - "$FILE"`
			env["PRODUCER"] = d.Restore.Path
		}
		env["FILE"], env["PSQL"], env["BEFORE"], env["AFTER"] = d.File, d.Psql.Path, "BEGIN;\n"+before, after+"COMMIT;\n\\echo "+committed
		o.Program, o.Args = d.Shell, []string{"sh", "-c", strings.Replace(pipe, "PRODUCE", produce, 1)}
	case d.Format.archive():
		o.Program, o.Args = d.Restore, append([]string{"pg_restore", "--exit-on-error", "--verbose"}, d.restoreFlags()...)
		if d.Format != tarFile && jobs > 1 {
			o.Args = append(o.Args, "--jobs="+strconv.Itoa(jobs))
		}
		o.Args = append(o.Args, "-d", "dbname='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database)+"'", d.File)
	default:
		o.Program, o.Args = d.Psql, []string{"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-o", "/dev/null"}
		for _, part := range [][2]string{{"-c", before}, {"-f", d.File}, {"-c", after}} {
			if part[1] != "" {
				o.Args = append(o.Args, part[:]...)
			}
		}
	}
	o.Env = tool.Environment(env, withheld(c)...)
	return o
}

// load runs the child to its end. Only an end without any error counts: "errors
// ignored on restore" is a database of which nobody knows what is missing.
func (r restoring) load(ctx context.Context, aside base) error {
	t, err := r.c.Target.Database(r.in.Database)
	if err != nil {
		return err
	}
	p, err := pg.ForChild(t, aside.Name, r.child(), map[string]string{"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"})
	if err != nil {
		return err
	}
	end, err := r.room.Do(ctx, r.watched(), r.st.job(aside.OID), r.st.order(r.c, p, aside.Name, r.in.Jobs, "", ""))
	switch {
	case err != nil:
		return err
	case end.State == supervise.Lost:
		return end.Lost()
	case end.State != supervise.Exited:
		return tool.ErrNotStarted
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %s", context.Cause(ctx), end.How(r.name()))
	case !r.good(end):
		return &actions.Error{Kind: actions.KindFailed, Hint: end.Hint(), Err: errors.New("the restore failed: " + end.How(r.name()) + firstError(end))}
	}
	return nil
}

func (r restoring) name() string {
	if r.st.Format.archive() {
		return "pg_restore"
	}
	return "psql"
}

// good says whether a child did all that it was to do.
func (d *dump) good(end tool.End) bool {
	if !end.Success(0) {
		return false
	}
	out, _ := end.Stdout(1 << 10)
	return !d.piped() || tool.LastLine(out) == committed
}

func (r restoring) good(end tool.End) bool { return r.st.good(end) }

// firstError finds the line that says what was wrong: the last one often says
// only what was to be done.
func firstError(end tool.End) string {
	said, _ := end.Stderr(64 << 10)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "rror:") || strings.Contains(line, "ERROR:") || strings.Contains(line, "FATAL:") {
			return " (" + tool.LastLine(line) + ")"
		}
	}
	return ""
}

// sayEvery is the time between two looks at how much there is.
const sayEvery = 5 * time.Second

// watched is our call with eyes on the growing database.
func (r restoring) watched() *actions.Call {
	c := *r.c
	var waited time.Duration
	c.Wait = func(ctx context.Context, d time.Duration) error {
		if waited += d; waited >= sayEvery {
			waited = 0
			r.sayProgress(ctx)
		}
		return r.c.Wait(ctx, d)
	}
	return &c
}

// sayProgress is for people: that it cannot be told changes nothing.
func (r restoring) sayProgress(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := r.open(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	var now, before int64
	if conn.QueryRow(ctx, `select pg_database_size(a.oid), pg_database_size(l.oid) from pg_database a, pg_database l where a.datname = $1 and l.oid = $2`, r.st.Aside, r.st.OID).Scan(&now, &before) == nil {
		r.c.Say(fmt.Sprintf("restored so far: %s; the old database has %s", bytesWords(now), bytesWords(before)))
	}
}
