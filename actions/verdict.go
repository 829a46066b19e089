package actions

import "fmt"

// Verdict is the answer of a probe: did the step take effect?
type Verdict uint8

// The verdicts. After a crash only NotApplied may be done again. InFlight is
// waited for. Unknown, Partial and Foreign stop the run for a person.
const (
	Unknown    Verdict = iota // could not be found out
	NotApplied                // the world is as Prepare saw it
	Applied                   // the effect is there
	Partial                   // some of the effect is there
	InFlight                  // something of ours is still at work
	Foreign                   // neither our before nor our after: somebody else acted
)

// String names the verdict.
func (v Verdict) String() string {
	return [...]string{"Unknown", "NotApplied", "Applied", "Partial", "InFlight", "Foreign"}[v]
}

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the name.
func (v *Verdict) UnmarshalText(b []byte) error {
	for known := Unknown; known <= Foreign; known++ {
		if known.String() == string(b) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("verdict %q is not known", b)
}
