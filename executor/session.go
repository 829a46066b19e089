package executor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/secret"
)

// session is one run in the hands of one executor.
type session struct {
	Runner
	prog   *Program
	lease  *holding
	target actions.Target
	scope  *scope

	secrets *secret.Book

	// Steps side by side record in turn. What was recorded is folded at once, so
	// that what is true is what was recorded.
	recording sync.Mutex
	state     *journal.State
	writer    *journal.Writer
	watching  sync.Mutex // the watcher is told one thing at a time
	listening sync.Mutex
	listener  listener
	step      stepFunc // all layers
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

func (r *Runner) session(p *Program, h *holding, target actions.Target, state *journal.State, secrets *secret.Book) *session {
	s := &session{Runner: *r, prog: p, lease: h, target: target, state: state, scope: newScope(), secrets: secrets}
	s.scope.share("secrets", secrets.Marks())
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
		s.say(e.Path, err.Error())
	}
	if st, ok := s.state.Steps[e.Path]; ok && e.Path != "" {
		s.scope.set(e.Path, st)
	}
	s.watching.Lock()
	defer s.watching.Unlock()
	s.Watch.Event(e)
}

func (s *session) say(path, line string) {
	s.watching.Lock()
	defer s.watching.Unlock()
	s.Watch.Say(path, s.secrets.Hide(line))
}

// record writes an event that something rests on: it is durable before that.
func (s *session) record(ctx context.Context, typ journal.Type, p string, data any) error {
	return s.recordBy(ctx, s.writer.Append, typ, p, data)
}

// note writes an event on which nothing rests yet. Everything before an effect
// is durable, because the event that announces it is recorded.
func (s *session) note(ctx context.Context, typ journal.Type, p string, data any) error {
	return s.recordBy(ctx, s.writer.Soon, typ, p, data)
}

func (s *session) recordBy(ctx context.Context, write func(context.Context, journal.Type, string, any) error, typ journal.Type, p string, data any) error {
	data, err := hidden(s.secrets, data)
	if err != nil {
		return err
	}
	s.recording.Lock()
	defer s.recording.Unlock()
	return write(ctx, typ, p, data)
}

// known gives what was recorded of a step or block, nil when nothing was. Only
// the step itself changes it.
func (s *session) known(n *Node) *journal.StepState {
	s.recording.Lock()
	defer s.recording.Unlock()
	return s.state.Steps[n.Path]
}

// values gives what an expression of a step sees as it is now.
func (s *session) values(n *Node, reads guard.Reads) map[string]any {
	s.scope.clock(s.state, s.Clock.Now())
	return s.scope.view(n.Path, reads)
}

func (s *session) call(n *Node) *call {
	return &call{node: n, act: &actions.Call{
		Key:    s.state.ID + "/" + n.Path,
		Target: s.target,
		Wait:   s.Clock.Wait,
		Ask:    func(ctx context.Context, q actions.Question) (actions.Answer, error) { return s.ask(ctx, n, q) },
		Say:    func(line string) { s.say(n.Path, line) },
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

func owner(n *Node) string {
	if n.IsBlock() {
		return fmt.Sprintf("block %s", n.Step.ID)
	}
	return fmt.Sprintf("step %s", n.Step.ID)
}
