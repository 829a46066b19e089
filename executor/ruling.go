package executor

import (
	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// Ruling is what the operator says of a step that is in doubt.
type Ruling struct {
	Path     string
	Decision journal.Decision
	Reason   string
}

// fit says whether every ruling decides a doubt, and each doubt once.
func fit(rulings []Ruling, s *journal.State) error {
	seen := map[string]bool{}
	for _, d := range rulings {
		if seen[d.Path] {
			return actions.Refuse("decide once", "step %s of run %s is decided twice", d.Path, s.ID)
		}
		seen[d.Path] = true
		if err := d.fits(s); err != nil {
			return err
		}
	}
	return nil
}

// fits says whether there is a doubt to be decided. The world is asked about
// everything else.
func (d Ruling) fits(s *journal.State) error {
	st := s.Steps[d.Path]
	if st == nil || st.Status != journal.InDoubt {
		return actions.Refuse("see: runback status "+s.ID, "step %s of run %s is not in doubt: there is nothing to decide", d.Path, s.ID)
	}
	if d.Decision == journal.Redo && st.Probed != nil && st.Probed.Verdict == actions.InFlight {
		return actions.Refuse("when it has ended: runback resume "+s.ID, "what step %s of run %s started had not ended when it was asked for: another one would go on beside it", d.Path, s.ID)
	}
	return nil
}
