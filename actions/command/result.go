package command

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/schema"
)

// mostText bounds an output in the journal; the file beside it has more.
const mostText = 64 << 10

type result struct {
	ExitCode    *int            `json:"exit_code" doc:"exit code; unknown when a signal ended it or nobody saw it end"`
	Signal      string          `json:"signal" doc:"signal that ended it; empty when none did"`
	Stdout      string          `json:"stdout" doc:"what it wrote to standard output, at most the last 64 KiB of the first 16 MiB; what is not UTF-8 is replaced"`
	Stderr      string          `json:"stderr" doc:"what it wrote to standard error, in the same bounds"`
	StdoutCut   bool            `json:"stdout_cut" doc:"whether stdout is not all that it wrote"`
	StderrCut   bool            `json:"stderr_cut" doc:"whether stderr is not all that it wrote"`
	LeftRunning bool            `json:"left_running" doc:"whether processes that it started went on when it ended"`
	Took        schema.Duration `json:"took" doc:"time from its start to its end, as its supervisor measured it"`
}

// read gives what is known of a child that is gone. An output that cannot be
// read is one that is cut: how the child ended is known all the same.
func read(child *supervise.Child, st supervise.State, o supervise.Outcome) result {
	r := result{Signal: o.Signal, LeftRunning: o.Left}
	if st == supervise.Exited {
		r.Took = schema.Duration(max(0, o.Ended.Sub(o.Started)))
		if o.Signal == "" {
			r.ExitCode = &o.Code
		}
	}
	text := func(stderr bool, s supervise.Stream) (string, bool) {
		t, err := child.Output(stderr, s, mostText)
		return t.Text, t.Cut || err != nil || st == supervise.Lost // of a lost one nobody knows what came after
	}
	r.Stdout, r.StdoutCut = text(false, o.Stdout)
	r.Stderr, r.StderrCut = text(true, o.Stderr)
	return r
}

// how says in words how a child ended badly.
func how(name string, o supervise.Outcome, r result) string {
	what := fmt.Sprintf("exited with %d", o.Code)
	if o.Signal != "" {
		what = "was ended by signal: " + o.Signal
	}
	if o.Stopped != "" {
		what = "was stopped (" + o.Stopped + ") and " + what
	}
	if last := lastLine(cmp.Or(r.Stderr, r.Stdout)); last != "" {
		what += ": " + last
	}
	return filepath.Base(name) + " " + what
}

func hint(child *supervise.Child) string { return "its output is in " + child.Dir() }

// mostLine keeps a message a line that can be read.
const mostLine = 300

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := []rune(strings.TrimSpace(lines[len(lines)-1]))
	return string(last[:min(len(last), mostLine)])
}

func tell(r result) string {
	said := "ended"
	switch {
	case r.ExitCode != nil:
		said = fmt.Sprintf("exit code %d", *r.ExitCode)
	case r.Signal != "":
		said = "ended by signal: " + r.Signal
	}
	if last := lastLine(r.Stdout); last != "" {
		said += ", " + last
	}
	if r.LeftRunning {
		said += ", left processes running"
	}
	return said
}
