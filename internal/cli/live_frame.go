package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// wide is the width from which on a step has a column of its own for what it does.
const wide = 110

// frame is one picture of a run.
type frame struct {
	m     *model
	width int
	now   time.Time
	last  bool // the picture that stays
}

// lines draws the picture in at most so many lines; with 0 in as many as it
// takes. Where the terminal is too low, what is over and what is to come is
// counted instead of shown; what is under way and what failed stays.
func (f frame) lines(height int) []line {
	head, foot := f.head(), f.foot()
	var body []line
	for _, fold := range []folding{{}, {said: true}, {said: true, done: true}, {said: true, done: true, waiting: true}} {
		body = f.body(fold)
		if height <= 0 || len(head)+len(body)+len(foot) <= height {
			break
		}
	}
	out := append(append(head, body...), foot...)
	if height > 0 && len(out) > height {
		out = append(out[:max(height-len(foot), 0)], foot...)
		out = out[:min(len(out), height)]
	}
	return out
}

// folding says what is left out where there is no room.
type folding struct{ said, done, waiting bool }

func (f frame) head() []line {
	s := f.m.state
	if s.ID == "" {
		if f.m.wait == "" {
			return nil
		}
		return []line{{{"◌ ", infoCode}, {f.m.wait, ""}}}
	}
	st := s.Started
	name := fmt.Sprintf("%s %s", st.Playbook, st.Version)
	gap := f.width - columnsOf("RUN "+name+"  ") - columnsOf(s.ID) - 1
	title := fit(clean(st.Title), max(gap, 0))
	out := []line{{{"RUN ", boldCode}, {name, boldCode}, {"  " + title + " ", ""}, {s.ID, infoCode}}}
	for _, p := range parts(st.Identity) {
		text := strings.TrimPrefix(p.line(), p.kind+" ")
		out = append(out, line{{fit(p.kind, 10), dimCode}, {clean(text), ""}})
	}
	reason := fmt.Sprintf("%q", st.Reason)
	by := "  by " + st.User
	if room := f.width - 10 - columnsOf(by); columnsOf(reason) > room {
		reason = cutTo(reason, max(room, 1))
	}
	out = append(out, line{{fit("reason", 10), dimCode}, {reason, ""}, {by, dimCode}})
	if st.Undoes != "" {
		out = append(out, line{{fit("undoes", 10), dimCode}, {"run " + st.Undoes, ""}})
	}
	return append(out, f.budget(), line{})
}

// budget is a bar that fills, with the words: what is spent, what is left.
func (f frame) budget() line {
	s := f.m.state
	total, now := s.Started.Deadline.Sub(s.At), f.now
	if !s.Ended.IsZero() {
		now = s.Ended
	}
	spent := max(now.Sub(s.At), 0)
	size := 16
	if f.width >= wide {
		size = 40
	}
	share := 1.0
	if total > 0 {
		share = min(float64(spent)/float64(total), 1)
	}
	full := min(int(share*float64(size)+0.5), size)
	code := goodCode
	switch {
	case share >= 0.85:
		code = badCode
	case share >= 0.6:
		code = warnCode
	}
	left := short(s.Started.Deadline.Sub(now)) + " left"
	if share >= 1 {
		left = "the time is spent"
	}
	if s.Ended.IsZero() {
		left += ", until " + s.Started.Deadline.Local().Format("15:04:05")
	}
	return line{{fit("budget", 10), dimCode}, {strings.Repeat("█", full), code}, {strings.Repeat("░", size-full), dimCode},
		{fmt.Sprintf("  %s of %s", short(spent), allowed(total)), ""}, {"  " + left, code}, {f.count(), dimCode}}
}

func (f frame) count() string {
	over, all := 0, 0
	for _, r := range f.m.rows {
		st := f.m.state.Steps[r.path]
		if r.block || r.section == "rescue" && st == nil {
			continue
		}
		all++
		if st != nil && st.Status != "" {
			over++
		}
	}
	return fmt.Sprintf("  %d/%d steps", over, all)
}

func (f frame) body(fold folding) []line {
	if f.m.state.ID == "" {
		return nil
	}
	b := folded{f: f, fold: fold, section: "steps"}
	for _, r := range f.m.rows {
		b.add(r)
	}
	b.flush()
	if f.last && len(f.m.notes) == 0 {
		return b.out
	}
	return append(b.out, line{})
}

func (f frame) foot() []line {
	var out []line
	for _, n := range f.m.notes {
		for i, part := range wrapText(n, max(f.width-4, 20)) {
			mark := "! "
			if i > 0 {
				mark = "  "
			}
			out = append(out, line{{mark, warnCode}, {part, ""}})
		}
	}
	if s := f.m.state; !f.last && len(out) == 0 && s.ID != "" && s.Status == journal.Running {
		out = append(out, line{{"Ctrl-C stops after the current step, twice stops now; both can be resumed.", dimCode}})
	}
	return out
}
