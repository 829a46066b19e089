package terraform_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/runbackhq/runback/actions/terraform"
	"github.com/runbackhq/runback/internal/tool"
)

// The same work by hand and as a step, and what is asked before a run: a change
// that takes no time, and one that takes three seconds.

func bench(b *testing.B, once func(w *world)) {
	for _, seconds := range []string{"0", "3"} {
		b.Run(seconds+"s", func(b *testing.B) {
			w := newWorld(b, "")
			for n := 0; b.Loop(); n++ {
				w.config(thing("a", fmt.Sprintf("%q", fmt.Sprint("v", n)), "null"))
				if seconds != "0" {
					w.config(fmt.Sprintf(`resource "terraform_data" "a" {
					  triggers_replace = "v%d"
					  provisioner "local-exec" { command = "sleep %s" }
					}`, n, seconds))
				}
				once(w)
			}
		})
	}
}

func BenchmarkByHand(b *testing.B) {
	bench(b, func(w *world) {
		w.byHand("init", "-input=false")
		w.byHand("plan", "-input=false", "-out=p")
		w.byHand("apply", "-input=false", "p")
	})
}

func BenchmarkStep(b *testing.B) {
	bench(b, func(w *world) {
		s := w.apply(map[string]any{"allow_replace": []string{"terraform_data"}}).prepare()
		s.preview()
		s.mustRun()
	})
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
