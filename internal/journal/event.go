package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Type is the type of an event.
type Type string

// The events of a run, in the order in which a run meets them.
const (
	RunStarted   Type = "run.started"   // Started
	RunResumed   Type = "run.resumed"   // Resumed
	BlockStart   Type = "block.start"   // Began
	StepStart    Type = "step.start"    // Began
	StepSkipped  Type = "step.skipped"  // Skipped
	StepIntent   Type = "step.intent"   // Intent: durable before the effect begins
	StepProbed   Type = "step.probed"   // Probed: what the world says of an interrupted step
	StepActed    Type = "step.acted"    // Acted: the effect is there, verification is open
	StepDone     Type = "step.done"     // Done
	StepFailed   Type = "step.failed"   // Failed: one attempt, or with Final the step
	StepDecided  Type = "step.decided"  // Decided: what a person said of a doubtful step
	StepHeld     Type = "step.held"     // Held: the run waits for a system that does not answer
	BlockEnd     Type = "block.end"     // Ended
	RunAborting  Type = "run.aborting"  // Aborting: no further step begins, finally is done
	StepAsked    Type = "step.asked"    // Asked: the step waits for a person
	StepAnswered Type = "step.answered" // Answered
	RunEnded     Type = "run.ended"     // Ended

	// After the end of a run.
	ObligationClosed Type = "obligation.closed" // Closed
)

// Event is one thing that happened.
type Event struct {
	Run  string          `json:"run"`
	Seq  int             `json:"seq"` // counts from 1 without gaps
	Time time.Time       `json:"time"`
	Type Type            `json:"type"`
	Path string          `json:"path,omitempty"` // of the step or block
	Data json.RawMessage `json:"data,omitempty"`
	Prev string          `json:"prev"` // hash of the event before, "" for the first
	Hash string          `json:"hash"`

	// Soon asks a store to write the event now and to let the next one that is
	// not soon make it durable. Others read it at once and the end of the process
	// takes nothing; only a loss of power may. It is of the writing, not of the
	// event, and is not kept.
	Soon bool `json:"-"`
}

// Digest computes the hash of the event over everything but the hash itself.
// Fields are length-prefixed, so that no two different events read alike.
func (e Event) Digest() string {
	h := sha256.New()
	for _, s := range []string{e.Prev, e.Run, strconv.Itoa(e.Seq), e.Time.UTC().Format(time.RFC3339Nano), string(e.Type), e.Path, string(e.Data)} {
		fmt.Fprintf(h, "%d:%s,", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Decode reads the data of an event.
func Decode[T any](e Event) (T, error) {
	var v T
	if len(e.Data) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return v, fmt.Errorf("event %d of run %s (%s) cannot be read: %w", e.Seq, e.Run, e.Type, err)
	}
	return v, nil
}

// Verify proves that a chain is unbroken: no event flipped, removed, added or
// moved. It names the first event that is not as it was written. What no chain
// can show is that its last events are missing, or that all of it was written
// anew by somebody who knows how.
func Verify(events []Event) error {
	prev := ""
	for i, e := range events {
		switch {
		case e.Run != events[0].Run:
			return &DamagedError{Run: events[0].Run, Seq: i + 1, Reason: "an event of run " + e.Run + " stands in its place"}
		case e.Seq != i+1:
			return &DamagedError{Run: e.Run, Seq: i + 1, Reason: fmt.Sprintf("event %d stands in its place", e.Seq)}
		case e.Prev != prev:
			return &DamagedError{Run: e.Run, Seq: e.Seq, Reason: "it does not follow the event before it"}
		case e.Digest() != e.Hash:
			return &DamagedError{Run: e.Run, Seq: e.Seq, Reason: "its content is not what was written"}
		}
		prev = e.Hash
	}
	return nil
}

// DamagedError says that a journal is not as it was written.
type DamagedError struct {
	Run    string
	Seq    int
	Reason string
}

// Error names the run and the event.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("journal of run %s is damaged at event %d: %s", e.Run, e.Seq, e.Reason)
}
