package cli

import (
	"strings"

	"github.com/runbackhq/runback/internal/journal"
)

// Of a foreach with many turns people want to see those that went wrong, and
// that the others did not.
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
	for _, p := range s.Order {
		if st := s.Steps[p]; strings.HasSuffix(p, "]") && (st.Status == journal.Succeeded || st.Status == journal.Skip) {
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

// within says whether a path is one of the counted turns or in one.
func (t foldedTurns) within(path string) bool {
	for i := 0; i < len(path) && len(t.hidden) > 0; i++ {
		if path[i] == ']' && t.hidden[path[:i+1]] {
			return true
		}
	}
	return false
}
