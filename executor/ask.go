package executor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// listenEvery is the time between two looks into the mailbox.
const listenEvery = time.Second

// ask waits for the answer of a person. The question and the answer are
// recorded, so that a resume does not ask again what was answered.
func (s *session) ask(ctx context.Context, n *Node, q actions.Question) (actions.Answer, error) {
	of, err := s.question(n, q)
	if err != nil {
		return actions.Answer{}, err
	}
	st := s.known(n)
	if st.Asked == nil || st.Asked.Of != of {
		if err := s.record(ctx, journal.StepAsked, n.Path, journal.Asked{Question: q, Of: of}); err != nil {
			return actions.Answer{}, err
		}
	}
	if st.Answer != nil {
		return *st.Answer, nil
	}
	told := int64(0)
	for {
		notes, err := s.Store.Notes(ctx, s.state.ID, told)
		if err != nil {
			return actions.Answer{}, fmt.Errorf("answers cannot be read: %w", err)
		}
		for _, note := range notes {
			told = note.ID
			if !s.answers(note, n, q, of) {
				continue
			}
			a := actions.Answer{Yes: note.Kind == journal.NoteYes, By: note.By, At: note.At, Comment: note.Text}
			return a, s.record(ctx, journal.StepAnswered, n.Path, journal.Answered{Answer: a})
		}
		if err := s.calledOff(ctx); err != nil {
			return actions.Answer{}, err
		}
		s.say(n.Path, s.plea(n, q))
		if err := s.Clock.Wait(ctx, listenEvery); err != nil {
			return actions.Answer{}, err
		}
	}
}

// question stands for what is asked, of whom, in which run: an answer is bound
// to it.
func (s *session) question(n *Node, q actions.Question) (string, error) {
	raw, err := json.Marshal([]any{s.state.ID, n.Path, q, s.state.Started.Identity, s.state.Started.Digest})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

func (s *session) answers(note journal.Note, n *Node, q actions.Question, of string) bool {
	if note.Path != n.Path || note.Of != of || note.Kind != journal.NoteYes && note.Kind != journal.NoteNo {
		return false
	}
	if q.Other && note.By == s.state.Started.User {
		s.say(n.Path, fmt.Sprintf("%s started this run, and somebody else is to answer", note.By))
		return false
	}
	return true
}

func (s *session) plea(n *Node, q actions.Question) string {
	what := "to agree"
	if q.Task {
		what = "to do it"
	}
	return fmt.Sprintf("waits for somebody %s: %s. Answer: runback approve %s %s", what, q.Text, s.state.ID, path.Base(n.Path))
}

var errAborted = errors.New("the run was aborted")

// calledOff says why a step that only waits does not wait any longer.
func (s *session) calledOff(ctx context.Context) error {
	if s.stopping() {
		return errStopped
	}
	if s.aborting(ctx) {
		return errAborted
	}
	return nil
}
