package terraform_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/runbackhq/runback/actions/terraform"
	"github.com/runbackhq/runback/internal/tool"
)

// The same work by hand and as a step, and what is asked before a run.

func (w *world) next(n int) { w.config(thing("a", fmt.Sprintf("%q", fmt.Sprint("v", n)), "null")) }

func BenchmarkByHand(b *testing.B) {
	w := newWorld(b, "")
	n := 0
	for b.Loop() {
		n++
		w.next(n)
		w.byHand("init", "-input=false")
		w.byHand("plan", "-input=false", "-out=p")
		w.byHand("apply", "-input=false", "p")
	}
}

func BenchmarkStep(b *testing.B) {
	w := newWorld(b, "")
	n := 0
	for b.Loop() {
		n++
		w.next(n)
		s := w.apply(nil).prepare()
		s.preview()
		s.mustRun()
	}
}

func BenchmarkIdentify(b *testing.B) {
	w := newWorld(b, thing("a", "1", "null"))
	w.byHand("apply", "-auto-approve")
	for b.Loop() {
		if _, err := terraform.Identify(b.Context(), "app", w.target); err != nil {
			b.Fatal(err)
		}
	}
}

// Finding a program hashes it, and so does each start.
func BenchmarkDigestOfTheProgram(b *testing.B) {
	path := program(b)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		if _, err := tool.Digest(path); err != nil {
			b.Fatal(err)
		}
	}
}
