package alembic

import (
	"slices"

	"github.com/runbackhq/runback/internal/tool"
)

// direction is which way a move goes; alembic's verbs.
type direction string

const (
	downgrade direction = "downgrade"
	upgrade   direction = "upgrade"
)

// prepared is a move with everything made absolute.
type prepared struct {
	tool.Job
	At          place      `json:"at"`
	System      string     `json:"system"`
	Database    string     `json:"database"`
	Server      string     `json:"server"`
	Versions    versions   `json:"versions"`
	Files       files      `json:"files"`
	Table       table      `json:"table"`
	Transaction string     `json:"transaction"` // what is committed as a whole: path, revision, statement
	From        []string   `json:"from"`        // heads of the database before
	Target      []string   `json:"target"`      // and after
	Path        []revision `json:"path"`
	Losses      []loss     `json:"losses,omitempty"`
	Touched     []table    `json:"touched,omitempty"`
}

// revision is one that will be run.
type revision struct {
	Revision string   `json:"revision"`
	After    []string `json:"after"` // heads of the database when it was run
	Doc      string   `json:"doc,omitempty"`
	SHA256   string   `json:"sha256"`
	Breaks   bool     `json:"breaks,omitempty"` // it commits in the middle
	Opaque   string   `json:"opaque,omitempty"` // why its SQL is not known
	SQL      string   `json:"sql,omitempty"`    // the beginning
}

// mostSQL bounds what is kept of the SQL of one revision; its file is named by
// a digest.
const mostSQL = 4 << 10

func revisions(path []found) []revision {
	out := make([]revision, 0, len(path))
	for _, r := range path {
		kept := revision{Revision: r.Revision, After: r.After, Doc: r.Doc, SHA256: r.SHA256, Breaks: r.Breaks, Opaque: r.Opaque}
		if r.SQL != nil {
			kept.SQL = shortened(*r.SQL)
		}
		out = append(out, kept)
	}
	return out
}

// orders gives the path as the driver is told to run it. Without consent to a
// loss, what was empty must be empty still.
func (st prepared) orders(accepted bool) []order {
	out := make([]order, 0, len(st.Path))
	for _, r := range st.Path {
		o := order{Revision: r.Revision, SHA256: r.SHA256, Empty: []empty{}}
		for _, l := range st.Losses {
			if l.Revision == r.Revision && l.Table != (table{}) && !accepted {
				o.Empty = append(o.Empty, l.empty())
			}
		}
		out = append(out, o)
	}
	return out
}

// index says how far along the path the heads are: 0 before the first revision.
// It is -1 for heads that are not on it.
func (st prepared) index(heads []string) int {
	if same(heads, st.From) {
		return 0
	}
	at := slices.IndexFunc(st.Path, func(r revision) bool { return same(heads, r.After) })
	if at < 0 {
		return -1
	}
	return at + 1
}

// names lists the revisions in the order in which they are run.
func (st prepared) names() []string {
	out := []string{}
	for _, r := range st.Path {
		out = append(out, r.Revision)
	}
	return out
}
