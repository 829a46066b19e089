package executor

import (
	"context"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// listener hears of an abort, at safe points and no more often than it must:
// the mailbox is a table, and a playbook may have thousands of steps.
type listener struct {
	next time.Time
	told int64
}

// aborting says whether somebody asked for the end of the run. It is recorded
// before anything follows from it.
func (s *session) aborting(ctx context.Context) bool {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.abortKnown() {
		return true
	}
	now := s.Clock.Now()
	if now.Before(s.listener.next) {
		return false
	}
	s.listener.next = now.Add(listenEvery)
	notes, err := s.Store.Notes(ctx, s.state.ID, s.listener.told)
	if err != nil {
		return false // whoever asked sees that the run goes on, and asks again
	}
	for _, n := range notes {
		s.listener.told = n.ID
		if n.Kind == journal.NoteAbort {
			return s.record(ctx, journal.RunAborting, "", journal.Aborting{User: n.By, Reason: n.Text}) == nil
		}
	}
	return false
}

func (s *session) abortKnown() bool {
	s.recording.Lock()
	defer s.recording.Unlock()
	return s.state.Aborting != nil
}

// letFinish marks the context of what is done although the run was aborted:
// finally.
func letFinish(ctx context.Context) context.Context { return context.WithValue(ctx, finishing{}, true) }

type finishing struct{}

// halts says why no further step begins: the operator stopped the run, which
// goes on with a resume, or aborted it, which is its end but for finally.
func (s *session) halts(ctx context.Context, n *Node) (outcome, bool) {
	switch {
	case s.stopping():
		return outcome{status: journal.Cancelled, err: errStopped, step: n.Path}, true
	case ctx.Value(finishing{}) == nil && s.known(n) == nil && s.aborting(ctx):
		return outcome{status: journal.Aborted, err: errAborted, step: n.Path}, true
	default:
		return outcome{}, false
	}
}
