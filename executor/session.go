package executor

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// session is one run in the hands of one executor.
type session struct {
	Runner
	prog   *Program
	lease  *holding
	target actions.Target
	state  *journal.State // folded live: what is true is what was recorded
	writer *journal.Writer
	scope  scope
	step   stepFunc // all layers
	// operator ends when the operator stops the run at once. Every deadline of
	// the run is below it; finally begins from it anew.
	operator context.Context
}

// call is one step on its way through the layers.
type call struct {
	node    *Node
	attempt int
	act     *actions.Call
	in      any
	intent  *journal.Intent // what is announced, or was announced before a crash
	pending bool            // the intent is from before: ask the world first
}

type stepFunc func(ctx context.Context, c *call) outcome

type layer func(next stepFunc) stepFunc

func (r *Runner) session(p *Program, h *holding, target actions.Target, state *journal.State) *session {
	s := &session{Runner: *r, prog: p, lease: h, target: target, state: state, scope: newScope()}
	s.Clock = r.Clock.forward(state.Latest)
	last := state.Last
	last.Run = h.claim.Run
	s.writer = journal.NewWriter(r.Store, h.claim, s.Clock.Now, last, s.observe)
	s.step = s.invoke
	for _, l := range []layer{s.verified, s.prepared, s.held, s.retried, s.budgeted, s.guarded, s.replayed, s.observed} {
		s.step = l(s.step)
	}
	return s
}

// observe keeps the folded state, the scope and the watcher up to date with
// what was just made durable.
func (s *session) observe(e journal.Event) {
	// An event we wrote ourselves decodes; Apply reports only foreign data.
	if err := s.state.Apply(e); err != nil {
		s.Watch.Say(e.Path, err.Error())
	}
	if st, ok := s.state.Steps[e.Path]; ok && e.Path != "" {
		s.scope.set(path.Base(e.Path), st)
	}
	s.Watch.Event(e)
}

func (s *session) record(ctx context.Context, typ journal.Type, p string, data any) error {
	return s.writer.Append(ctx, typ, p, data)
}

// values gives the scope of expressions as it is now.
func (s *session) values() map[string]any {
	now := s.Clock.Now()
	s.scope.run(s.state, now)
	return s.scope.root
}

func (s *session) call(n *Node) *call {
	return &call{node: n, act: &actions.Call{
		Key:    s.state.ID + "/" + n.Path,
		Target: s.target,
		Wait:   s.Clock.Wait,
		Say:    func(line string) { s.Watch.Say(n.Path, line) },
	}}
}

// stopping says whether the operator asked for a stop at a safe point.
func (s *session) stopping() bool {
	select {
	case <-s.Stop:
		return true
	default:
		return false
	}
}

// within gives a context that ends at an absolute time and says whose it was.
func (s *session) within(ctx context.Context, deadline time.Time, spent *SpentError) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, deadline.Sub(s.Clock.Now()), spent)
}

// scope is what expressions see.
type scope struct {
	root  map[string]any
	steps map[string]any
}

func newScope() scope {
	steps := map[string]any{}
	return scope{root: map[string]any{"steps": steps}, steps: steps}
}

func (sc scope) inputs(values map[string]any) { sc.root["inputs"] = scopeInputs(values) }

func (sc scope) set(id string, st *journal.StepState) {
	m := map[string]any{}
	if st.Status != "" {
		m["status"] = string(st.Status)
	}
	if st.Outputs != nil && (st.Status == journal.Succeeded || st.Acted) {
		m["outputs"] = map[string]any(st.Outputs)
	}
	sc.steps[id] = m
}

func (sc scope) run(st *journal.State, now time.Time) {
	sc.root["run"] = map[string]any{
		"id": st.ID, "reason": st.Started.Reason, "started": st.At.Format(time.RFC3339),
		"elapsed": now.Sub(st.At), "remaining": st.Started.Deadline.Sub(now),
	}
}

// own gives the scope with the outputs of the step itself.
func own(values map[string]any, out actions.Outputs) map[string]any {
	m := make(map[string]any, len(values)+1)
	for k, v := range values {
		m[k] = v
	}
	m["outputs"] = map[string]any(out)
	return m
}

func owner(n *Node) string {
	if n.IsBlock() {
		return fmt.Sprintf("block %s", n.Step.ID)
	}
	return fmt.Sprintf("step %s", n.Step.ID)
}
