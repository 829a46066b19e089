package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// summary is what remains on the screen after a run: how it ended, how long it
// took, and what to do next.
func (a *App) summary(s *journal.State) {
	st := a.style(a.OutTTY)
	took := s.Ended.Sub(s.At)
	left := s.Started.Deadline.Sub(s.Ended).Round(time.Second)
	fmt.Fprintf(a.Out, "\n%s run %s in %s", paintStatus(st, s.Status), s.ID, seconds(took))
	if left > 0 && s.Status == journal.Succeeded {
		fmt.Fprintf(a.Out, " (%s of the budget left)", left)
	}
	fmt.Fprintln(a.Out)
	if s.End.Message != "" {
		a.wrapped("  ", s.End.Message)
	}
	if s.End.Hint != "" {
		a.wrapped("  ", st.dim("hint: ")+s.End.Hint)
	}
	a.owed(st, s)
	a.next(st, s)
}

func (a *App) next(st style, s *journal.State) {
	switch s.Status {
	case journal.Refused:
		fmt.Fprintln(a.Out, "  nothing was changed")
	case journal.Cancelled, journal.Interrupted:
		fmt.Fprintf(a.Out, "  go on: %s\n", st.info(a.command("resume "+s.ID)))
	case journal.InDoubt:
		a.doubts(st, s)
	case journal.FailedRun, journal.OverBudget, journal.Aborted:
		if s.Changed {
			fmt.Fprintln(a.Out, st.warn("  some steps took effect before it ended; they stay as they are"))
		}
	default: // there is nothing to do next
	}
	fmt.Fprintf(a.Out, "  details: %s\n", st.info(a.command("status "+s.ID)))
}

// doubts tells of each step in doubt what is known, what is not, and the two
// commands that decide it.
func (a *App) doubts(st style, s *journal.State) {
	for _, p := range s.Order {
		step := s.Steps[p]
		if step.Status != journal.InDoubt || step.Intent == nil {
			continue
		}
		fmt.Fprintf(a.Out, "  %s\n", st.bold("step "+p))
		known := fmt.Sprintf("known: it was announced at %s and prepared to do this: %s", step.Start.Local().Format("15:04:05"),
			strings.TrimSpace(step.Intent.Preview.Object+" "+step.Intent.Preview.Summary))
		a.wrapped("    ", known)
		for _, c := range step.Intent.Preview.Changes {
			a.wrapped("      ", fmt.Sprintf("%s %s: %s → %s%s", c.Object, c.Path, valueWord(c.Before), valueWord(c.After), nowWord(step, c)))
		}
		a.wrapped("    ", "not known: "+doubtWord(step))
		if step.Probed != nil && step.Probed.Verdict == actions.InFlight {
			fmt.Fprintf(a.Out, "    see to it that it ends, then:\n")
			fmt.Fprintf(a.Out, "      ask again:\n        %s\n", st.info(a.command("resume "+s.ID)))
		} else {
			fmt.Fprintf(a.Out, "    look at the target, then decide:\n")
			fmt.Fprintf(a.Out, "      it did not take effect, do it again:\n        %s\n", st.info(a.command(fmt.Sprintf("resume %s --redo %s", s.ID, p))))
		}
		fmt.Fprintf(a.Out, "      go on without it:\n        %s\n", st.info(a.command(fmt.Sprintf("resume %s --skip %s --reason ...", s.ID, p))))
	}
}

// nowWord says what a field holds instead of what the step would have written.
func nowWord(step *journal.StepState, c actions.FieldChange) string {
	if step.Probed == nil {
		return ""
	}
	for _, f := range step.Probed.Found {
		if f.Path == c.Path && (f.Object == c.Object || c.Object == "") {
			return ", is " + valueWord(f.After) + " now"
		}
	}
	return ""
}

func doubtWord(step *journal.StepState) string {
	if step.Probed == nil {
		return "whether it took effect; the target was not asked"
	}
	switch step.Probed.Verdict {
	case actions.Partial:
		return "how much of it took effect; some fields hold what it wanted, some hold what was there before"
	case actions.Foreign:
		return "whether it took effect; the target holds neither what was there before nor what it wanted: somebody else acted"
	case actions.InFlight:
		return "whether it takes effect; it has not ended, and may act on what follows"
	default:
		return "whether it took effect; the target could not tell"
	}
}

func paintStatus(st style, s journal.Status) string {
	switch s {
	case journal.Succeeded:
		return st.good("✔ succeeded")
	case journal.Mitigated:
		return st.warn("✔ mitigated")
	case journal.Running:
		return st.info("◌ running")
	case journal.Skip:
		return st.dim("– skipped")
	case journal.Cancelled, journal.Interrupted:
		return st.warn("॥ " + string(s))
	case journal.InDoubt:
		return st.bad("? in doubt")
	case journal.Refused:
		return st.bad("✖ refused")
	case journal.OverBudget:
		return st.bad("✖ time spent")
	default:
		return st.bad("✖ " + string(s))
	}
}
