package supervise

import (
	"encoding/json"
	"io"
	"time"
)

// Message is one line that the supervisor tells the command that started it.
type Message struct {
	Doing  string        `json:"doing,omitempty"`
	Done   string        `json:"done,omitempty"`
	Took   time.Duration `json:"took,omitempty"`
	Ready  bool          `json:"ready,omitempty"`
	Failed string        `json:"failed,omitempty"`
}

// Progress tells the starter how far the start is. A reader that went away is
// no reason to fail; the Keep channel notices it.
type Progress struct {
	out *json.Encoder
}

// NewProgress writes messages to w.
func NewProgress(w io.Writer) *Progress { return &Progress{out: json.NewEncoder(w)} }

// Step announces a step and returns the call that ends it.
func (p *Progress) Step(title string) func() {
	begin := time.Now()
	p.send(Message{Doing: title})
	return func() { p.send(Message{Done: title, Took: time.Since(begin)}) }
}

// Ready says that everything runs.
func (p *Progress) Ready() { p.send(Message{Ready: true}) }

// Failed says why nothing runs.
func (p *Progress) Failed(err error) { p.send(Message{Failed: err.Error()}) }

func (p *Progress) send(m Message) { _ = p.out.Encode(m) }
