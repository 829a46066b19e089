package executor_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// troubled is a run on which everything goes wrong that may go wrong without
// ending it: an attempt fails, a reply is lost, a system is down for a while.
const troubled = `  budget: 10m
  inputs: {n: {type: int, default: 4}}
  steps:
    - {id: look, uses: t.get, with: {key: seed}, retry: {attempts: 2, delay: 1s}}
    - {id: skipped, uses: t.set, with: {key: never, value: 1}, when: steps.look.outputs.value == 99}
    - {id: one, uses: t.set, with: {key: one, value: "${{ inputs.n }}"}, retry: {attempts: 3, delay: 1s}, expect: outputs.value == inputs.n}
    - {id: skipped_block, when: false, steps: [{id: no, uses: t.set, with: {key: never, value: 2}}]}
    - id: block
      budget: 5m
      steps:
        - {id: two, uses: t.set, with: {key: two, value: "${{ steps.one.outputs.value + 1 }}"}, timeout: 4m, verify: {until: outputs.value == 5, every: 1s, for: 3s, within: 1m}}
        - {id: goes_on, uses: t.set, with: {key: goes_on, value: 1}, on_failure: continue}
        - id: inner
          steps:
            - {id: breaks, uses: t.get, with: {key: seed}, verify: {until: outputs.value == 1, every: 1s, within: 3s}}
          finally:
            - {id: three, uses: t.set, with: {key: three, value: 3}}
      rescue:
        - {id: four, uses: t.set, with: {key: four, value: 4}, when: steps.breaks.status == "failed"}
      finally:
        - {id: five, uses: t.set, with: {key: five, value: 5}}
    - {id: six, uses: t.set, with: {key: six, value: "${{ steps.two.outputs.value + 1 }}"}, when: steps.goes_on.status == "failed" && steps.skipped.status == "skipped"}
    - {id: ends, uses: t.get, with: {key: seed}, expect: [{that: outputs.value == 1, message: seed is not one}], on_failure: continue}
  finally:
    - {id: seven, uses: t.set, with: {key: seven, value: 7}}
`

func trouble(w *world) {
	w.values["seed"] = 7
	w.down["seed"] = 2
	w.fails["one"], w.fails["goes_on"] = 1, 99
	w.lost["two"], w.lost["seven"] = 1, 1
}

const troubledEnd = "five:5 four:4 one:4 seed:7 seven:7 six:6 three:3 two:5"

// perilous is a run that a process may die on anywhere, and how it ends when
// nobody dies.
type perilous struct {
	text    string
	world   func(*world)
	status  journal.Status
	end     string // the values of the world
	message string
	paths   []string // of all that is to end
	calls   map[string]schema.Source
}

// A process may die once on its way, and the one that resumes may die too. The
// run ends as if nobody had died, every effect takes place once, and no step is
// left out.
func TestTwoCrashesAroundAnyTwoEvents(t *testing.T) {
	perilous{troubled, trouble, journal.FailedRun, troubledEnd, "seed is not one", []string{
		"look", "one", "block/two", "block/goes_on", "block/inner/breaks", "block/inner/~finally/three", "block/~rescue/four", "block/~finally/five", "six", "ends", "~finally/seven",
	}, nil}.dieEverywhere(t, 40, []int{0, 2, 3, 4, 5, 7, 11})
}

func (p perilous) dieEverywhere(t *testing.T, least int, more []int) {
	t.Helper()
	total := 0
	timeless(t, func(t *testing.T, b *bench) {
		b.calls = p.calls
		p.world(b.w)
		p.ended(t, b, b.run(p.text))
		total = len(b.store.events)
	})
	if total < least {
		t.Fatalf("only %d events", total)
	}
	for first := 1; first < total; first++ {
		for _, second := range more {
			for _, after := range []bool{false, true} {
				if first == 1 && !after {
					continue // there is no run yet
				}
				name := fmt.Sprintf("%d and %d more, after=%t", first, second, after)
				synctest.Test(t, func(t *testing.T) { p.diesTwice(t, name, first, second, after) })
			}
		}
	}
}

func (p perilous) diesTwice(t *testing.T, name string, first, second int, after bool) {
	t.Helper()
	b := newBench(t)
	b.calls = p.calls
	p.world(b.w)
	die := func(n int) {
		b.store.dieAfter, b.store.dieBefore = 0, 0
		if after {
			b.store.dieAfter = n
		} else {
			b.store.dieBefore = n
		}
	}
	die(first)
	if !b.dies(func() { b.run(p.text) }) {
		t.Fatalf("%s: the process did not die", name)
	}
	if second > 0 {
		die(len(b.store.events) + second)
		b.dies(func() { b.resumeAgain(p.text) }) // it may be over before
	}
	b.store.dieAfter, b.store.dieBefore = 0, 0
	state, err := journal.Fold(b.store.events)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if state.Ended.IsZero() {
		state = b.resume(p.text)
	}
	p.ended(t, b, state)
	if t.Failed() {
		t.Fatalf("%s: %v", name, b.happened())
	}
}

func (p perilous) ended(t *testing.T, b *bench, st *journal.State) {
	t.Helper()
	b.want(st, p.status, p.end)
	wantMessage(t, st, p.message)
	b.wantOnce()
	for _, path := range p.paths {
		if st := st.Steps[path]; st == nil || st.Status == "" {
			t.Errorf("%s was left out", path)
		}
	}
}

// dies runs something and says whether the process died of it.
func (b *bench) dies(f func()) (dead bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(died); !ok {
				panic(r)
			}
			dead = true
		}
	}()
	f()
	return false
}
