package cli

import (
	"fmt"
	"testing"

	"github.com/runbackhq/runback/internal/journal"
)

// Only turns in which everything went well are counted rather than listed, and a
// turn that is counted says nothing of those in it.
func TestFoldTurns(t *testing.T) {
	s := journal.NewState()
	put := func(path string, status journal.Status) {
		s.Steps[path], s.Order = &journal.StepState{Path: path, Status: status}, append(s.Order, path)
	}
	put("out", journal.Succeeded)
	for i := range 12 {
		turn := fmt.Sprintf("out[%d]", i)
		put(turn, journal.Succeeded)
		for j := range 12 {
			put(fmt.Sprintf("%s/in[%d]", turn, j), journal.Succeeded)
			status := journal.Succeeded
			if i == 7 && j == 9 { // and the playbook went on
				status = journal.FailedRun
			}
			put(fmt.Sprintf("%s/in[%d]/a", turn, j), status)
		}
	}
	f := foldTurns(s)
	for path, want := range map[string]bool{
		"out": false, "out[2]": false, "out[3]": true, "out[3]/in[0]": true, "out[7]": false, "out[7]/in[2]": false, "out[7]/in[3]": true, "out[7]/in[9]/a": false,
	} {
		if got := f.within(path); got != want {
			t.Errorf("%s counted: %v", path, got)
		}
	}
	for path, want := range map[string]int{"out[3]": 8, "out[4]": 0, "out[0]/in[3]": 9, "out[3]/in[3]": 0, "out[7]/in[3]": 8} {
		if got := f.count(path); got != want {
			t.Errorf("at %s %d are counted, want %d", path, got, want)
		}
	}
}
