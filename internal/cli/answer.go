package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/internal/journal"
)

// answer says yes or no to a step of a run that waits for a person.
func (a *App) answer(ctx context.Context, id, step, comment string, deny bool) error {
	state, err := a.load(ctx, id)
	if err != nil {
		return err
	}
	path, err := stepPath(state, step)
	if err != nil {
		return err
	}
	st := state.Steps[path]
	switch {
	case st.Asked == nil || st.Status != "" || !state.Ended.IsZero():
		return &exitError{code: exitRefused, hint: "see: runback status " + state.ID, err: fmt.Errorf("step %s of run %s does not wait for an answer", path, state.ID)}
	case st.Answer != nil:
		return &exitError{code: exitRefused, hint: "see: runback status " + state.ID, err: fmt.Errorf("step %s of run %s was answered by %s", path, state.ID, st.Answer.By)}
	case st.Asked.Question.Other && userName() == state.Started.User:
		return &exitError{code: exitRefused, hint: fmt.Sprintf("ask a colleague to run: runback approve %s %s", state.ID, step), err: fmt.Errorf("%s started run %s, and somebody else is to answer", userName(), state.ID)}
	case deny && strings.TrimSpace(comment) == "":
		return usage(`add --comment "..."`, "a comment is required to say no")
	}
	kind, word := journal.NoteYes, "approved"
	if st.Asked.Question.Task {
		word = "told that it is done"
	}
	if deny {
		kind, word = journal.NoteNo, "denied"
	}
	if err := a.post(ctx, journal.Note{Run: state.ID, Kind: kind, Path: path, Of: st.Asked.Of, Text: comment}); err != nil {
		return err
	}
	fmt.Fprintf(a.Out, "%s by %s: step %s of run %s: %s\n", word, userName(), path, state.ID, st.Asked.Question.Text)
	if live := liveStatus(state); live != journal.Running {
		fmt.Fprintf(a.Out, "the run is %s; it goes on with: runback resume %s\n", live, state.ID)
	}
	return nil
}
