package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// mostName is what PostgreSQL keeps of a name: NAMEDATALEN - 1 bytes.
const mostName = 63

var unfit = lazily(`[^A-Za-z0-9]+`)

// besides names a database that belongs to a step of a run: app_db_rb_k3x8_1f2e3d.
// The same step gives the same name; the sum keeps it apart from that of another
// step, also when the rest was cut.
func besides(db, word, key string) string {
	run, _, _ := strings.Cut(key, "/")
	run = strings.TrimPrefix(unfit().ReplaceAllString(run, "_"), "r_")
	sum := sha256.Sum256([]byte(db + "\x00" + key))
	end := "_" + word + "_" + run[:min(len(run), 16)] + "_" + hex.EncodeToString(sum[:4])
	cut := min(len(db), mostName-len(end))
	for cut > 0 && cut < len(db) && !utf8.RuneStart(db[cut]) {
		cut--
	}
	return db[:cut] + end
}

// The markers stand in the comment of a database, and say whose it is.
const (
	asideMark = "runback: restored aside by "
	keptMark  = "runback: kept by "
)

// base is a database of the server.
type base struct {
	OID     uint32
	Name    string
	Comment string
	Limit   int
	there   bool
}

// querier is a session or a transaction.
type querier interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}

// find looks for databases by name, all in one look. One that is not there is
// given as such.
func find(ctx context.Context, q querier, names ...string) (map[string]base, error) {
	out := map[string]base{}
	for _, n := range names {
		out[n] = base{Name: n}
	}
	rows, err := q.Query(ctx, `select oid, datname, coalesce(shobj_description(oid, 'pg_database'), ''), datconnlimit from pg_database where datname = any ($1::text[])`, names)
	if err != nil {
		return nil, pg.Explain(ctx, err, "looking for databases")
	}
	defer rows.Close()
	for rows.Next() {
		b := base{there: true}
		if err := rows.Scan(&b.OID, &b.Name, &b.Comment, &b.Limit); err != nil {
			return nil, pg.Explain(ctx, err, "looking for databases")
		}
		out[b.Name] = b
	}
	return out, pg.Explain(ctx, rows.Err(), "looking for databases")
}

// stage is how far a restore has come.
type stage uint8

const (
	untouched  stage = iota // the aside database is not there
	unfinished              // it is there and ours; whether it is whole is for its child to say
	loaded                  // it is there, ours, and marked as whole
	swapped                 // the names are exchanged
	strange                 // somebody else acted
)

// position is what is there, and what it means.
type position struct {
	stage             stage
	live, aside, kept base
	account           string // of what is strange
}

// where reads the catalogue and says how far the restore has come. OIDs tell
// databases apart whatever they are called.
func (st restoreState) where(ctx context.Context, conn *pg.Conn, key string) (p position, err error) {
	all, err := find(ctx, conn, st.Live, st.Aside, st.Kept)
	if err != nil {
		return p, err
	}
	p.live, p.aside, p.kept = all[st.Live], all[st.Aside], all[st.Kept]
	switch {
	case p.kept.there && p.kept.OID == st.OID && p.live.there && p.live.OID != st.OID:
		p.stage = swapped
	case p.kept.there:
		p.strange("there is a database %s, with OID %d, that this restore did not keep", st.Kept, p.kept.OID)
	case !p.live.there:
		p.strange("there is no database %s any more", st.Live)
	case p.live.OID != st.OID:
		p.strange("database %s has OID %d and had %d: somebody else replaced it", st.Live, p.live.OID, st.OID)
	case !p.aside.there:
		p.stage = untouched
	case p.aside.Comment == st.mark(key, true):
		p.stage = loaded
	case p.aside.Comment == st.mark(key, false) || p.aside.Comment == "" && p.aside.Limit == nonce(st.Aside):
		p.stage = unfinished
	default:
		p.strange("database %s is not one that this restore made: its comment is %q", st.Aside, p.aside.Comment)
	}
	return p, nil
}

func (p *position) strange(format string, args ...any) {
	p.stage, p.account = strange, fmt.Sprintf(format, args...)
}

// refused is the account as an error of the probe.
func (p position) refused() error {
	return actions.Refuse("list them with: psql -l", "%s", p.account)
}

// mark is the comment of the aside database.
func (st restoreState) mark(key string, whole bool) string {
	s := asideMark + key + " from sha256:" + st.SHA256
	if whole {
		return s + ", whole"
	}
	return s
}

// nonce is a connection limit that nobody else would set. CREATE DATABASE takes
// it and takes no comment, so it marks the database until the comment does: by
// its name and this number alone it is known as ours after a crash in between.
// The limit allows more than any server does, and the one of the live database
// is put on before the swap.
func nonce(name string) int {
	sum := sha256.Sum256([]byte("runback\x00" + name))
	return 1_000_000_000 + int(sum[0])<<16 + int(sum[1])<<8 + int(sum[2])
}
