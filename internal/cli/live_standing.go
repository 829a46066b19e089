package cli

import "github.com/runbackhq/runback/internal/journal"

// standing is how a step stands: a sign, a word and a colour, so that none of
// them carries meaning alone.
type standing struct{ sign, word, code string }

func (m *model) standing(r row) standing {
	st := m.state.Steps[r.path]
	switch {
	case st == nil && m.state.Ended.IsZero():
		return standing{"·", "waiting", dimCode}
	case st == nil:
		return standing{"·", "not run", dimCode}
	}
	if st.Status != "" {
		return ended(st.Status)
	}
	switch {
	case m.state.Status != journal.Running:
		return standing{"॥", "stopped", warnCode}
	case m.held[r.path] != "":
		return standing{"॥", "holding", warnCode}
	case st.Acted:
		return standing{"◌", "checking", infoCode}
	case st.Failure != nil && !st.Failure.Final:
		return standing{"↻", "retrying", warnCode}
	default:
		return standing{"◌", "running", infoCode}
	}
}

func ended(s journal.Status) standing {
	switch s {
	case journal.Succeeded, journal.Mitigated:
		return standing{"✔", "done", goodCode}
	case journal.Skip:
		return standing{"–", "skipped", dimCode}
	case journal.Cancelled, journal.Interrupted:
		return standing{"॥", "stopped", warnCode}
	case journal.InDoubt:
		return standing{"?", "in doubt", badCode}
	case journal.Refused:
		return standing{"✖", "refused", badCode}
	case journal.OverBudget:
		return standing{"✖", "too late", badCode}
	default:
		return standing{"✖", "failed", badCode}
	}
}

// active says whether a step is under way.
func (m *model) active(r row) bool {
	st := m.state.Steps[r.path]
	return st != nil && st.Status == "" && m.state.Status == journal.Running
}
