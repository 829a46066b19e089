package actions

import "time"

// Question is what a step asks of a person.
type Question struct {
	Text string `json:"text"`
	// Task says that something is to be done, rather than agreed to.
	Task bool `json:"task,omitempty"`
	// Other says that whoever started the run may not answer.
	Other bool `json:"other,omitempty"`
}

// Answer is what the person said.
type Answer struct {
	Yes     bool      `json:"yes"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
}
