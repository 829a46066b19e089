package cli

import "strings"

// folded gathers rows, and counts those that are not worth a line.
type folded struct {
	f       frame
	fold    folding
	section string
	out     []line
	done    int
	waiting []row
}

func (b *folded) add(r row) {
	st := b.f.m.state.Steps[r.path]
	if r.section == "rescue" && st == nil {
		return // rescue is shown when it is needed
	}
	if r.section != b.section && r.section != "steps" && (st != nil || !b.fold.waiting) {
		b.flush()
		b.out = append(b.out, line{{"  " + strings.Repeat("  ", r.depth) + strings.ToLower(sectionTitle(r.section)), boldCode}})
	}
	b.section = r.section
	switch {
	case b.fold.done && st != nil && !b.f.m.open(r):
		b.done++
		return
	case st == nil && (b.fold.waiting || b.f.last):
		b.waiting = append(b.waiting, r)
		return
	}
	b.flush()
	b.out = append(b.out, b.f.row(r, b.fold)...)
}

// few is how many steps that were not run are listed rather than counted.
const few = 3

func (b *folded) flush() {
	if b.done > 0 {
		b.out = append(b.out, line{{" ✔ " + count(b.done, "step", "steps") + " before", dimCode}})
	}
	switch n := len(b.waiting); {
	case n == 0:
	case !b.fold.waiting && n <= few:
		for _, r := range b.waiting {
			b.out = append(b.out, b.f.row(r, b.fold)...)
		}
	case b.f.last:
		b.out = append(b.out, line{{" · not run  " + count(n, "step", "steps"), dimCode}})
	default:
		b.out = append(b.out, line{{" · " + count(n, "step", "steps") + " to come", dimCode}})
	}
	b.done, b.waiting = 0, nil
}
