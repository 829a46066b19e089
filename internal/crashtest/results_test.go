package crashtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// counts are the figures of one cell: one part of the matrix, one playbook.
type counts struct {
	Points    int // disturbances that really happened
	Completed int // runs that were driven to their end afterwards
	Same      int // of these: ended as the undisturbed run
	InDoubt   int // stops in doubt on the way, each of them one that has to be
	Stopped   int // executors that stopped with an error of the store
	Overtaken int // executors that found somebody else
	Images    int // disks after a power loss

	Lost       int // acknowledged events that were not there afterwards
	Doubled    int // effects
	Skipped    int // steps left out without a word
	Unreadable int // journals
	Other      int // anything else that should not be
	CutShort   int // journals that lost their newest events without a word, where nothing could tell
	Notes      map[string]int
}

func (c *counts) add(o counts) {
	c.Points, c.Completed, c.Same, c.InDoubt, c.Stopped = c.Points+o.Points, c.Completed+o.Completed, c.Same+o.Same, c.InDoubt+o.InDoubt, c.Stopped+o.Stopped
	c.Overtaken, c.Images, c.Lost, c.Doubled, c.Skipped = c.Overtaken+o.Overtaken, c.Images+o.Images, c.Lost+o.Lost, c.Doubled+o.Doubled, c.Skipped+o.Skipped
	c.Unreadable, c.Other, c.CutShort = c.Unreadable+o.Unreadable, c.Other+o.Other, c.CutShort+o.CutShort
	for k, n := range o.Notes {
		c.note(k, n)
	}
}

func (c *counts) note(what string, n int) {
	if c.Notes == nil {
		c.Notes = map[string]int{}
	}
	c.Notes[what] += n
}

func (c *counts) bad() int { return c.Lost + c.Doubled + c.Skipped + c.Unreadable + c.Other }

// table collects the cells of all parts.
type table struct {
	mu    sync.Mutex
	cells map[string]map[string]*counts // part, playbook
	took  map[string]float64
}

var results = &table{cells: map[string]map[string]*counts{}, took: map[string]float64{}}

func (r *table) add(part, cell string, c counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cells[part] == nil {
		r.cells[part] = map[string]*counts{}
	}
	if r.cells[part][cell] == nil {
		r.cells[part][cell] = &counts{}
	}
	r.cells[part][cell].add(c)
}

func (r *table) of(part string) (sum counts, cells map[string]counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cells = map[string]counts{}
	for name, c := range r.cells[part] {
		sum.add(*c)
		cells[name] = *c
	}
	return sum, cells
}

func (r *table) write(file string) error {
	type part struct {
		Sum     counts
		Seconds float64
		Cells   map[string]*counts
	}
	out := struct {
		Seed     uint64
		Long     bool
		Machine  string
		Finished time.Time
		Parts    map[string]part
	}{*seed, *long, fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()), time.Now().UTC().Round(time.Second), map[string]part{}}
	for name := range r.cells {
		sum, _ := r.of(name)
		out.Parts[name] = part{sum, r.took[name], r.cells[name]}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	fmt.Println(r.markdown()) //nolint:forbidigo // the answer of a test binary
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// markdown is the table of docs/reliability.md.
func (r *table) markdown() string {
	var b strings.Builder
	b.WriteString("| part | disturbances | disks | runs driven to their end | in doubt | lost | doubled | skipped | unreadable | other | upper bound |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(r.cells)) {
		c, _ := r.of(name)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %.2g |\n", name, c.Points, c.Images, c.Completed, c.InDoubt, c.Lost, c.Doubled, c.Skipped, c.Unreadable, c.Other, 3/float64(max(c.Points, c.Images, 1)))
	}
	return b.String()
}

// concluded prints the figures of a part and holds it to a minimum of runs that
// came to their end in each cell: a part that tried nothing has proved nothing.
func concluded(t *testing.T, part string, begun time.Time, least int) {
	t.Helper()
	took := time.Since(begun)
	results.mu.Lock()
	results.took[part] = took.Seconds()
	results.mu.Unlock()
	sum, cells := results.of(part)
	names := make([]string, 0, len(cells))
	for name := range cells {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := cells[name]
		t.Logf("%-14s %-28s %s", part, name, c.text())
		if c.Completed < least {
			t.Errorf("%s %s: only %d runs came to their end, want %d", part, name, c.Completed, least)
		}
	}
	t.Logf("%-14s %-28s %s (seed %d, %s)", part, "ALL", sum.text(), *seed, took.Round(time.Second/10))
	if len(names) == 0 {
		t.Errorf("%s tried nothing", part)
	}
	if n := sum.bad(); n > 0 {
		t.Errorf("%s: %d findings", part, n)
	}
}

func (c counts) text() string {
	return fmt.Sprintf("points %d completed %d same %d in doubt %d stopped %d overtaken %d images %d | lost %d doubled %d skipped %d unreadable %d other %d cut %d %v",
		c.Points, c.Completed, c.Same, c.InDoubt, c.Stopped, c.Overtaken, c.Images, c.Lost, c.Doubled, c.Skipped, c.Unreadable, c.Other, c.CutShort, c.Notes)
}
