package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// leftFlags say what a person leaves out of a run.
type leftFlags struct {
	from string
	skip []string
}

func (f *leftFlags) add(a *App, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "from", "", "begin at this step; what comes before it is left out and recorded so (needs --reason)")
	cmd.Flags().StringArrayVar(&f.skip, "skip", nil, "leave this step out, which is recorded with who and why (needs --reason); may be given again")
	complete(cmd, "from", a.stepsOfPlaybook)
	complete(cmd, "skip", a.stepsOfPlaybook)
}

func (f leftFlags) any() bool { return f.from != "" || len(f.skip) > 0 }

// decide gives the decisions that the run records. A step that is left out
// without a reason is a riddle for whoever reads the journal.
func (f leftFlags) decide(p *executor.Program, reason string) ([]journal.LeftOut, error) {
	if !f.any() {
		return nil, nil
	}
	if strings.TrimSpace(reason) == "" {
		return nil, usage(`add --reason "the traffic was moved by hand"`, "a reason is required to leave a step out")
	}
	paths, err := p.LeaveOut(f.from, f.skip)
	if err != nil {
		return nil, err
	}
	var out []journal.LeftOut
	for _, path := range paths {
		out = append(out, journal.LeftOut{Path: path, Decided: journal.Decided{Decision: journal.SkipIt, Reason: reason, User: userName()}})
	}
	return out, nil
}

// words repeats the flags in a command to be copied.
func (f leftFlags) words() string {
	var b strings.Builder
	if f.from != "" {
		fmt.Fprintf(&b, " --from %s", quote(f.from))
	}
	for _, s := range f.skip {
		fmt.Fprintf(&b, " --skip %s", quote(s))
	}
	return b.String()
}
