package command

import (
	"fmt"

	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
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

// read gives what is known of a child that is gone.
func read(e tool.End) result {
	r := result{Signal: e.Signal, LeftRunning: e.Left}
	if e.State == supervise.Exited {
		r.Took = schema.Duration(max(0, e.Ended.Sub(e.Started)))
		if e.Signal == "" {
			r.ExitCode = &e.Code
		}
	}
	r.Stdout, r.StdoutCut = e.Stdout(mostText)
	r.Stderr, r.StderrCut = e.Stderr(mostText)
	return r
}

func tell(r result) string {
	said := "ended"
	switch {
	case r.ExitCode != nil:
		said = fmt.Sprintf("exit code %d", *r.ExitCode)
	case r.Signal != "":
		said = "ended by signal: " + r.Signal
	}
	if last := tool.LastLine(r.Stdout); last != "" {
		said += ", " + last
	}
	if r.LeftRunning {
		said += ", left processes running"
	}
	return said
}
