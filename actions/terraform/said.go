package terraform

import (
	"encoding/json"
	"strings"
	"time"
)

// event is one line of -json output: developer.hashicorp.com/terraform/
// internals/machine-readable-ui; OpenTofu writes the same.
type event struct {
	Message string    `json:"@message"`
	Time    time.Time `json:"@timestamp"`
	Type    string    `json:"type"`
	Hook    struct {
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
		Action string `json:"action"`
	} `json:"hook"`
	Diagnostic *diagnostic `json:"diagnostic"`
}

type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
}

// said is what a child told.
type said struct {
	events []event
	plain  string // what was no event: the last words of one that crashed
}

// listen reads the lines of a child. A line that was cut off is no event.
func listen(stdout, stderr string) said {
	var s said
	for line := range strings.Lines(stdout) {
		var e event
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil && e.Type != "" {
			s.events = append(s.events, e)
		} else {
			s.plain += line
		}
	}
	s.plain += stderr
	return s
}

// problem gives the first error; nil when there is none.
func (s said) problem() *diagnostic {
	for _, e := range s.events {
		if d := e.Diagnostic; d != nil && d.Severity == "error" {
			return d
		}
	}
	return nil
}

// text is an error in one line. Quotes of the configuration are in fields of
// their own, which are not read: they may hold values.
func (d *diagnostic) text() string {
	out := d.Summary
	if d.Address != "" {
		out = d.Address + ": " + out
	}
	if d.Detail != "" {
		out += ": " + strings.Join(strings.Fields(d.Detail), " ")
	}
	return short(out)
}

// everything is all that may hold a hint of the cause.
func (s said) everything() string {
	if d := s.problem(); d != nil {
		return d.Summary + "\n" + d.Detail
	}
	return s.plain
}

// why is the reason for a bad end in one line, or "".
func (s said) why() string {
	if d := s.problem(); d != nil {
		return d.text()
	}
	if strings.TrimSpace(s.plain) == "" {
		return ""
	}
	return reason(s.plain)
}

// hard says whether a second signal ended it, so that it had no time to write
// the state.
func (s said) hard() bool {
	for _, e := range s.events {
		if strings.Contains(e.Message, "Two interrupts received") {
			return true
		}
	}
	return strings.Contains(s.plain, "Two interrupts received")
}

// aloud makes progress of a line; "" is not told. What provisioners print is
// left out: nobody knows what is in it.
func aloud(line string) string {
	if !strings.HasPrefix(line, "{") {
		return strings.TrimSpace(frame().ReplaceAllString(line, ""))
	}
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Type == "provision_progress" || e.Type == "outputs" {
		return ""
	}
	return e.Message
}
