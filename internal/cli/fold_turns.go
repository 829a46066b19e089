package cli

import (
	"strings"

	"github.com/runbackhq/runback/internal/journal"
)

// Of a foreach with many turns people want to see those in which something went
// wrong, and that nothing did in the others.
const (
	manyTurns  = 10
	firstTurns = 3
)

// foldedTurns says which turns of a run are counted rather than listed.
type foldedTurns struct {
	hidden map[string]bool // by the path of the turn
	counts map[string]int  // how many, by the path of the first of them
}

func foldTurns(s *journal.State) foldedTurns {
	went := map[string][]string{}
	wrong := turnsWith(s, func(st *journal.StepState) bool { return st.Status != journal.Succeeded && st.Status != journal.Skip })
	for _, p := range s.Order {
		if strings.HasSuffix(p, "]") && !wrong[p] {
			each := p[:strings.LastIndexByte(p, '[')]
			went[each] = append(went[each], p)
		}
	}
	t := foldedTurns{map[string]bool{}, map[string]int{}}
	for _, well := range went {
		if len(well) <= manyTurns {
			continue
		}
		for _, p := range well[firstTurns:] {
			t.hidden[p] = true
		}
		t.counts[well[firstTurns]] = len(well) - firstTurns
	}
	return t
}

// turnsWith gives the turns that are such a step, or have one.
func turnsWith(s *journal.State, such func(*journal.StepState) bool) map[string]bool {
	out := map[string]bool{}
	for _, p := range s.Order {
		if !such(s.Steps[p]) {
			continue
		}
		for i := range len(p) {
			if p[i] == ']' {
				out[p[:i+1]] = true
			}
		}
	}
	return out
}

// within says whether a path is one of the counted turns or in one.
func (t foldedTurns) within(path string) bool {
	for i := range len(path) {
		if path[i] == ']' && t.hidden[path[:i+1]] {
			return true
		}
	}
	return false
}

// count gives the number of turns that are counted at a path, which is the first
// of them; 0 elsewhere, and in a turn that is counted itself.
func (t foldedTurns) count(path string) int {
	if i := strings.LastIndexByte(path, '/'); i > 0 && t.within(path[:i]) {
		return 0
	}
	return t.counts[path]
}
