package cli

import (
	"fmt"
	"time"

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
	a.next(st, s)
}

func (a *App) next(st style, s *journal.State) {
	switch s.Status {
	case journal.Refused:
		fmt.Fprintln(a.Out, "  nothing was changed")
	case journal.Cancelled, journal.Interrupted:
		fmt.Fprintf(a.Out, "  go on: %s\n", st.info("runback resume "+s.ID))
	case journal.InDoubt:
		fmt.Fprintf(a.Out, "  look at the target, then: %s\n", st.info("runback resume "+s.ID))
	case journal.FailedRun, journal.OverBudget:
		if s.Changed {
			fmt.Fprintln(a.Out, st.warn("  some steps took effect before it ended; they stay as they are"))
		}
	default: // there is nothing to do next
	}
	fmt.Fprintf(a.Out, "  details: %s\n", st.info("runback status "+s.ID))
}

func paintStatus(st style, s journal.Status) string {
	switch s {
	case journal.Succeeded:
		return st.good("✔ succeeded")
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
