package executor

import (
	"maps"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
)

// scope is what expressions see. What it holds is never changed once it was
// set, so what a view gave stays as it was while steps side by side go on.
//
// A step is found from where the expression stands: first among the steps of
// the same turn of a foreach, then around it. A called playbook begins anew: it
// sees its own inputs and steps and nothing of its caller.
type scope struct {
	mu     sync.Mutex
	run    map[string]any
	shared map[string]any            // at the top, for everybody: project
	frames map[string]map[string]any // by frame: inputs, item
	steps  map[string]map[string]any // by frame, by id
}

func newScope() *scope {
	return &scope{shared: map[string]any{}, frames: map[string]map[string]any{}, steps: map[string]map[string]any{}}
}

// Marks of a path behind which a frame begins: a turn of a foreach sees what is
// around it, a called playbook does not.
const (
	turnMark = "]"
	callMark = "@"
)

// frameOf gives the innermost frame that a path stands in, "" for the playbook.
func frameOf(p string) string { return p[:strings.LastIndexAny(path.Dir(p), turnMark+callMark)+1] }

// around gives the frame around one, and whether it can be seen from there.
func around(frame string) (string, bool) {
	if frame == "" || strings.HasSuffix(frame, callMark) {
		return "", false
	}
	return frame[:strings.LastIndexAny(frame[:len(frame)-1], turnMark+callMark)+1], true
}

// bind gives a name its value in a frame: its inputs, its item.
func (sc *scope) bind(frame, name string, value any) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	own := maps.Clone(sc.frames[frame])
	if own == nil {
		own = map[string]any{}
	}
	own[name] = value
	sc.frames[frame] = own
}

// leave forgets a frame that nothing can see any more.
func (sc *scope) leave(frame string) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	delete(sc.frames, frame)
	delete(sc.steps, frame)
}

func (sc *scope) share(name string, value any) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.shared[name] = value
}

// set makes known how a step stands. A turn of a foreach has no name that an
// expression could call it by.
func (sc *scope) set(p string, st *journal.StepState) {
	if strings.HasSuffix(p, turnMark) {
		return
	}
	m := map[string]any{}
	if st.Status != "" {
		m["status"] = string(st.Status)
	}
	if st.Outputs != nil && (st.Status == journal.Succeeded || st.Acted) {
		m["outputs"] = map[string]any(st.Outputs)
	}
	sc.put(p, m)
}

func (sc *scope) put(p string, m map[string]any) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	frame := frameOf(p)
	if sc.steps[frame] == nil {
		sc.steps[frame] = map[string]any{}
	}
	sc.steps[frame][path.Base(p)] = m
}

func (sc *scope) clock(st *journal.State, now time.Time) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.run = map[string]any{
		"id": st.ID, "reason": st.Started.Reason, "started": st.At.Format(time.RFC3339),
		"elapsed": now.Sub(st.At), "remaining": st.Started.Deadline.Sub(now),
	}
}

// view gives the scope of an expression that stands at a path, with no more of
// the steps than it reads: a copy of all of them for each expression would make
// a long playbook slow.
func (sc *scope) view(at string, reads guard.Reads) map[string]any {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	out := maps.Clone(sc.shared)
	out["run"] = sc.run
	for frame, seen := frameOf(at), true; seen; frame, seen = around(frame) {
		for name, v := range sc.frames[frame] {
			if _, inner := out[name]; !inner {
				out[name] = v
			}
		}
	}
	steps := map[string]any{}
	names, all := reads.Below("steps")
	for frame, seen := frameOf(at), true; seen; frame, seen = around(frame) {
		for _, id := range ids(names, all, sc.steps[frame]) {
			if _, inner := steps[id]; !inner && sc.steps[frame][id] != nil {
				steps[id] = sc.steps[frame][id]
			}
		}
	}
	out["steps"] = steps
	return out
}

func ids(names []string, all bool, steps map[string]any) []string {
	if !all {
		return names
	}
	for id := range steps {
		names = append(names, id)
	}
	return names
}

// own gives the scope with the outputs of the step itself.
func own(values map[string]any, out actions.Outputs) map[string]any {
	values["outputs"] = map[string]any(out)
	return values
}
