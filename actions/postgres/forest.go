package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/runbackhq/runback/internal/pg"
)

// forest is who waits for whom. It may hold circles: a deadlock, until the
// server notices it.
type forest struct {
	byPID   map[int]seen
	waiters map[int][]int // who waits directly for a session
}

func newForest(all []seen) forest {
	f := forest{map[int]seen{}, map[int][]int{}}
	for _, s := range all {
		f.byPID[s.pid] = s
		for _, by := range s.blockedBy {
			f.waiters[by] = append(f.waiters[by], s.pid)
		}
	}
	for by := range f.waiters {
		if _, known := f.byPID[by]; !known { // a prepared transaction, or one that just ended
			f.byPID[by] = seen{pid: by}
		}
	}
	return f
}

// roots are those who are waited for and wait for nobody; in a circle, which
// has none, the one with the lowest pid.
func (f forest) roots() []seen {
	var out []seen
	reached := map[int]bool{}
	pids := f.pids()
	for _, pid := range pids {
		if len(f.waiters[pid]) > 0 && len(f.byPID[pid].blockedBy) == 0 {
			out = append(out, f.byPID[pid])
			f.reach(pid, reached)
		}
	}
	for _, pid := range pids {
		if len(f.waiters[pid]) > 0 && !reached[pid] {
			out = append(out, f.byPID[pid])
			f.reach(pid, reached)
		}
	}
	return out
}

func (f forest) pids() []int {
	var out []int
	for pid := range f.byPID {
		out = append(out, pid)
	}
	slices.Sort(out)
	return out
}

func (f forest) reach(pid int, reached map[int]bool) {
	if reached[pid] {
		return
	}
	reached[pid] = true
	for _, w := range f.waiters[pid] {
		f.reach(w, reached)
	}
}

// behind counts who waits for a session, directly or behind others.
func (f forest) behind(pid int) int {
	reached := map[int]bool{}
	f.reach(pid, reached)
	return len(reached) - 1
}

// lines draws the trees. A session that waits for several is drawn under each
// of them, and not followed a second time.
func (f forest) lines(most int) []string {
	out := []string{}
	drawn := map[int]bool{}
	var draw func(pid, depth int)
	draw = func(pid, depth int) {
		if len(out) >= most {
			return
		}
		s := f.byPID[pid]
		line := strings.Repeat("  ", depth) + "pid " + fmt.Sprint(pid)
		if pid == 0 {
			line = strings.Repeat("  ", depth) + "prepared transaction"
		}
		out = append(out, line+s.words())
		if drawn[pid] {
			return
		}
		drawn[pid] = true
		for _, w := range f.waiters[pid] {
			draw(w, depth+1)
		}
	}
	for _, r := range f.roots() {
		draw(r.pid, 0)
	}
	return out
}

func (s seen) words() string {
	out := ""
	for _, w := range []string{s.user, s.application, s.state} {
		if w != "" {
			out += " " + w
		}
	}
	if s.waits != nil {
		out += fmt.Sprintf(", waits %.0fs", *s.waits)
	}
	if s.on != "" {
		out += " for " + s.on
	}
	if s.query != "" {
		out += ": " + s.query
	}
	return out
}

// seesAll says whether our role sees the statements and times of other roles.
func seesAll(ctx context.Context, conn *pg.Conn) (all bool, err error) {
	err = conn.QueryRow(ctx, `select pg_has_role(current_user, 'pg_read_all_stats', 'usage')`).Scan(&all)
	return all, pg.Explain(ctx, err, "asking what our role may see")
}
