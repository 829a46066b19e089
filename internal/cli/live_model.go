package cli

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// saidLines is how many of its last lines a running step shows.
const saidLines = 4

// row is one step or block of the live view, in the order of the playbook.
type row struct {
	path, label, uses, section string
	when                       string
	depth                      int
	block                      bool
	told                       func(actions.Outputs) string
}

// model is what the live view knows: the rows of the playbook and the state as
// it follows from the events, the same fold that a resume uses. Any number of
// steps may be under way.
type model struct {
	prog  *executor.Program
	rows  []row
	state *journal.State
	said  map[string][]string
	held  map[string]string
	notes []string
	wait  string // what is waited for before the run begins
}

func newModel(p *executor.Program, past []journal.Event) *model {
	m := &model{prog: p, state: journal.NewState(), said: map[string][]string{}, held: map[string]string{}}
	p.Walk(func(n *executor.Node, section string, depth int) {
		if !everyTurn(n.Path) {
			m.rows = append(m.rows, rowOf(n, section, depth))
		}
	})
	for _, e := range past {
		m.event(e)
	}
	m.said, m.held = map[string][]string{}, map[string]string{}
	return m
}

func (m *model) event(e journal.Event) {
	_ = m.state.Apply(e) // what cannot be read is not shown; the run tells of it
	m.wait = ""
	if e.Path == "" {
		return
	}
	delete(m.held, e.Path)
	if e.Type == journal.StepHeld {
		h, _ := journal.Decode[journal.Held](e)
		m.held[e.Path] = clean(h.Message)
	}
	if !slices.ContainsFunc(m.rows, func(r row) bool { return r.path == e.Path }) {
		m.insert(e)
	}
}

// insert adds a row that the playbook does not show: a step of one turn of a
// foreach. It stands after the last row of what it stands in.
func (m *model) insert(e journal.Event) {
	r := row{path: e.Path, label: path.Base(e.Path), depth: depthOf(e.Path), section: "steps", block: e.Type == journal.BlockStart}
	if m.prog != nil {
		if n := m.prog.At(e.Path); n != nil {
			r = rowOf(n, "steps", r.depth)
		}
	}
	at := len(m.rows)
	for in := around(e.Path); in != ""; in = around(in) {
		i := slices.IndexFunc(m.rows, func(r row) bool { return r.path == in })
		if i < 0 {
			continue
		}
		for at = i + 1; at < len(m.rows) && inside(m.rows[at].path, in); at++ {
		}
		r.section = m.rows[i].section
		break
	}
	m.rows = slices.Insert(m.rows, at, r)
}

// inside says whether a step stands in a block, however deep.
func inside(p, block string) bool {
	for in := around(p); in != ""; in = around(in) {
		if in == block {
			return true
		}
	}
	return false
}

func rowOf(n *executor.Node, section string, depth int) row {
	r := row{path: n.Path, label: n.Step.Label(), uses: n.Step.Uses, section: section, depth: depth, block: n.IsBlock()}
	if n.When != nil {
		r.when = n.When.Source()
	}
	if n.Action != nil {
		r.told = n.Action.Told
	}
	return r
}

func (m *model) say(p, text string) {
	text = strings.TrimSpace(clean(text))
	switch {
	case text == "":
	case p == "" && m.state.ID == "":
		m.wait = text
	case p == "":
		m.note(text)
	default:
		lines := m.said[p]
		if len(lines) > 0 && lines[len(lines)-1] == text {
			return
		}
		lines = append(lines, text)
		m.said[p] = lines[max(len(lines)-saidLines, 0):]
	}
}

func (m *model) note(text string) {
	text = clean(text)
	if !slices.Contains(m.notes, text) {
		m.notes = append(m.notes, text)
	}
}

// open says whether a row stays open: its reason is shown below it.
func (m *model) open(r row) bool {
	st := m.state.Steps[r.path]
	return st != nil && (m.active(r) || st.Status != "" && st.Status != journal.Succeeded && st.Status != journal.Skip)
}

// detail is what a step does or did, in one line.
func (m *model) detail(r row) string {
	st := m.state.Steps[r.path]
	switch {
	case st == nil && r.when != "":
		return "when " + r.when
	case st == nil:
		return ""
	case st.Decision != nil && st.Status == journal.Skip:
		return "left out by " + st.Decision.User + ": " + clean(st.Decision.Reason)
	case st.Skipped != nil:
		return "because " + clean(st.Skipped.String())
	case m.held[r.path] != "":
		return m.held[r.path]
	case st.Failure != nil && (st.Status != journal.Succeeded):
		return clean(st.Failure.Message)
	case st.Intent != nil:
		return clean(strings.TrimSpace(st.Intent.Preview.Object + " " + st.Intent.Preview.Summary))
	case len(st.Outputs) > 0 && r.told != nil:
		return clean(cmp.Or(r.told(st.Outputs), facts(st.Outputs)))
	default:
		return ""
	}
}

// clock tells how long a step takes or took, and how long it may.
func (m *model) clock(r row, now time.Time) string {
	st := m.state.Steps[r.path]
	switch {
	case st == nil || st.Start.IsZero():
		return ""
	case !st.End.IsZero() && st.Status != "":
		return seconds(st.End.Sub(st.Start))
	case !m.active(r):
		return ""
	}
	took := short(now.Sub(st.Start))
	if !st.Deadline.IsZero() {
		took += " of " + allowed(st.Deadline.Sub(st.Start))
	}
	return took
}

// allowed gives the time that a step may take, as it was written.
func allowed(d time.Duration) string { return schema.Duration(d.Round(time.Second)).String() }

// short gives a duration in whole seconds: it changes once a second.
func short(d time.Duration) string { return max(d, 0).Truncate(time.Second).String() }
