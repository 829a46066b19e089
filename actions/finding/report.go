package finding

import (
	"context"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
)

type reportIn struct {
	Findings []candidate `json:"findings" doc:"what may be wrong, the likeliest cause first: a cause before what follows from it"`
	Healthy  string      `json:"healthy" default:"nothing that was looked at is wrong" doc:"what is said when every condition is known and false"`
}

type candidate struct {
	When     *bool  `json:"when" doc:"whether it is so, as an expression; one that needs an unknown value is unknown, and is told as something that could not be found out"`
	Says     string `json:"says" doc:"what is wrong then, in words"`
	About    string `json:"about,omitempty" doc:"what is asked, for when it could not be found out; without it the words of says are used"`
	Playbook string `json:"playbook,omitempty" doc:"name of the playbook to run then, with what it must be told: emergency --set service=app-service"`
	Next     string `json:"next,omitempty" doc:"what else to do then, where no playbook does it"`
}

type reportOut struct {
	Found    *bool      `json:"found" doc:"whether something is wrong; unknown when nothing was seen to be and not everything could be seen"`
	Finding  string     `json:"finding" doc:"the first thing that is wrong, in words; or that nothing is, or that it could not be found out"`
	Playbook string     `json:"playbook" doc:"playbook to run against it; empty when there is none"`
	Next     string     `json:"next" doc:"what to do where no playbook does it"`
	Findings []oneFound `json:"findings" doc:"everything that is wrong, in the order of the inputs"`
	Unknown  []string   `json:"unknown" doc:"what could not be found out"`
}

type oneFound struct {
	Says     string `json:"says" doc:"what is wrong, in words"`
	Playbook string `json:"playbook" doc:"playbook to run against it; empty when there is none"`
	Next     string `json:"next" doc:"what to do where no playbook does it"`
}

func reportAction() actions.Action {
	return actions.Define(actions.Def[reportIn, struct{}, reportOut]{
		Name:    "finding.report",
		Summary: "Say what is wrong, from conditions over what earlier steps saw, and which playbook to run; name what could not be found out.",
		Effect:  actions.Observe,
		Run:     report,
		Tell:    tell,
		Examples: []actions.Example{
			{Title: "End a diagnosis with its finding", YAML: "uses: finding.report\nwith:\n  findings:\n    - when: ${{ run.elapsed > duration(\"5m\") }}\n      says: the looks took so long that what they saw may be over\n      next: run this playbook again\n    - when: ${{ run.reason contains \"canary\" }}\n      says: the canary was blamed\n      playbook: canary"},
		},
	})
}

func report(_ context.Context, _ *actions.Call, in reportIn, _ struct{}) (reportOut, error) {
	out := reportOut{Findings: []oneFound{}, Unknown: []string{}}
	if len(in.Findings) == 0 {
		return out, actions.Invalid("give at least one {when, says}", "findings is empty: nothing could be found")
	}
	for _, f := range in.Findings {
		switch {
		case f.When == nil:
			out.Unknown = append(out.Unknown, f.about())
		case *f.When:
			out.Findings = append(out.Findings, oneFound{f.Says, f.Playbook, f.Next})
		}
	}
	out.conclude(in.Healthy)
	return out, nil
}

func (f candidate) about() string {
	if f.About != "" {
		return f.About
	}
	return "whether " + f.Says
}

// conclude says it in three values: what was found is certain whatever could not
// be seen; that nothing is wrong is certain only where everything was seen.
func (out *reportOut) conclude(healthy string) {
	yes, no := true, false
	switch {
	case len(out.Findings) > 0:
		first := out.Findings[0]
		out.Found, out.Finding, out.Playbook, out.Next = &yes, first.Says, first.Playbook, first.Next
	case len(out.Unknown) > 0:
		out.Finding = "nothing was seen to be wrong, and not everything could be seen"
	default:
		out.Found, out.Finding = &no, healthy
	}
}

func tell(out reportOut) string {
	var b strings.Builder
	b.WriteString("FINDING: " + out.Finding)
	for i, f := range out.Findings {
		if i > 0 {
			b.WriteString("; also: " + f.Says)
		}
		if f.Playbook != "" {
			fmt.Fprintf(&b, " (run: runback run %s)", f.Playbook)
		}
		if f.Next != "" {
			fmt.Fprintf(&b, " (%s)", f.Next)
		}
	}
	for i, u := range out.Unknown {
		if i == 0 {
			b.WriteString("; could not be found out: ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(u)
	}
	return b.String()
}
