package journal

import (
	"context"
	"time"

	"github.com/runbackhq/runback/actions"
)

// Note is what somebody says to a run that another process has in its hands.
// Only the executor writes to the journal of a run, and it records there what
// it took note of.
type Note struct {
	ID   int64 // counts up over all runs
	Run  string
	Kind NoteKind
	Path string // of the step that asked, of an answer
	Of   string // what is answered: the Of of the question
	By   string
	At   time.Time
	Text string // comment or reason
}

// NoteKind is what a note is about.
type NoteKind string

// The kinds of notes.
const (
	NoteAbort NoteKind = "abort" // stop for good: no further step, finally is done
	NoteYes   NoteKind = "yes"   // a person agrees, or has done it
	NoteNo    NoteKind = "no"    // a person does not agree, or could not do it
)

// Mailbox keeps notes, durable when Post returns.
type Mailbox interface {
	Post(ctx context.Context, n Note) error
	// Notes gives the notes of a run after one, in the order in which they came.
	Notes(ctx context.Context, run string, after int64) ([]Note, error)
}

// Aborting says that the executor heard of an abort.
type Aborting struct {
	User   string `json:"user"`
	Reason string `json:"reason,omitempty"`
}

// Asked says that a step waits for a person. Of stands for the very question:
// an answer to another one, or to an earlier one, is none.
type Asked struct {
	Question actions.Question `json:"question"`
	Of       string           `json:"of"`
}

// Answered is what the person said.
type Answered struct {
	Answer actions.Answer `json:"answer"`
}
