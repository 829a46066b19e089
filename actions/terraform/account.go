package terraform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// account is what a child said of the resources that it was to change.
type account struct {
	said
	done   []string // completed
	failed []string // begun, and ended with an error
	begun  []string // begun, and no end was told
	left   []string // not begun, as far as it is known
	all    int
	first  time.Time // when the first change was begun
	// whole says that nothing it said is missing: its supervisor read its
	// output to the end. Without that, silence proves nothing.
	whole bool
}

// mostOutput is all that a supervisor keeps.
const mostOutput = supervise.DefaultOutput

// accountOf reads what a child of a plan said.
func accountOf(e tool.End, p planned) account {
	stdout, cut := e.Stdout(mostOutput)
	stderr, _ := e.Stderr(64 << 10)
	a := account{said: listen(stdout, stderr), whole: e.State == supervise.Exited && !cut && !e.Left, all: len(p.Resources)}
	state := map[string]string{}
	for _, ev := range a.events {
		addr := ev.Hook.Resource.Addr
		switch ev.Type {
		case "apply_start":
			state[addr] = "begun"
			if a.first.IsZero() {
				a.first = ev.Time
			}
		case "apply_complete":
			// A replacement has two parts; the second begins anew.
			state[addr] = "done"
		case "apply_errored":
			state[addr] = "failed"
		}
	}
	for _, r := range p.Resources {
		a.sort(r.base(), r.Address, state)
		delete(state, r.base())
	}
	for addr := range state { // what the plan does not name
		a.sort(addr, addr, state)
	}
	return a
}

func (a *account) sort(key, address string, state map[string]string) {
	switch state[key] {
	case "done":
		a.done = append(a.done, address)
	case "failed":
		a.failed = append(a.failed, address)
	case "begun":
		a.begun = append(a.begun, address)
	default:
		a.left = append(a.left, address)
	}
}

// untouched says that it is proved that no change was begun.
func (a account) untouched() bool {
	return a.whole && len(a.done)+len(a.failed)+len(a.begun) == 0
}

// tells says in words how far it came.
func (a account) tells() string {
	rest := "not begun"
	if !a.whole { // silence proves nothing
		rest = "not heard of"
	}
	parts := []string{fmt.Sprintf("%d of %d resources are done", len(a.done), a.all)}
	for _, p := range []struct {
		what string
		list []string
	}{{"failed", a.failed}, {"begun and not heard of again", a.begun}, {rest, a.left}} {
		if len(p.list) > 0 {
			parts = append(parts, p.what+": "+some(p.list))
		}
	}
	return strings.Join(parts, "; ")
}

// mostNamed keeps a list a line.
const mostNamed = 10

// some names the first of a list and counts the rest.
func some(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	if n := len(list) - mostNamed; n > 0 {
		return strings.Join(list[:mostNamed], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(list, ", ")
}
