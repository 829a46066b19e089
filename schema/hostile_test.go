package schema_test

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/schema"
)

// hostile lists documents that are made to cost much: each fills the largest
// file that is read at all, unless it is larger still.
func hostile() map[string]string {
	fill := func(head, unit, tail string) string {
		return head + strings.Repeat(unit, (schema.MaxBytes-len(head)-len(tail))/len(unit)) + tail
	}
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	return map[string]string{
		"50 MB":                    strings.Repeat("a", 50<<20),
		"flow nesting":             fill("", "[", ""),
		"flow nesting, closed":     fill("", strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+"\n", ""),
		"compact block nesting":    fill("", "- ", "a"),
		"compact keys":             fill("", "? ", "a"),
		"block nesting":            blocks(400),
		"alias bomb":               bomb,
		"alias of itself":          "a: &a [*a]\n",
		"aliases":                  fill("[&a a,", "*a,", "]"),
		"anchors":                  fill("[", "&a a,", "]"),
		"NUL bytes":                fill("", "\x00", ""),
		"one huge key":             fill("", "k", ": 1"),
		"one huge explicit key":    fill("? ", "k", "\n: 1"),
		"one huge scalar":          fill("a: ", "k ", "k"),
		"one huge quoted scalar":   fill(`a: "`, `\x41`, `"`),
		"100 000 lines":            strings.Repeat("- a\n", 100_000),
		"as many lines as allowed": strings.Repeat("- a\n", 19_000),
		"comments":                 fill("", "#\n", "a: b"),
		"blank lines":              fill("a:\n", "\n", " b"),
		"empty maps":               fill("[", "{},", "]"),
		"flow items":               fill("[", "a,", "]"),
		"tabs":                     fill("", "\t", ""),
		"documents":                fill("", "---\n", ""),
		"templates in one scalar":  fill("a: '", "${{a}}", "'"),
		"templates on one line":    "[" + strings.Repeat(`"${{a}}",`, 19_000) + "]",
		"hidden templates":         "[" + strings.Repeat(`"\x24{{a}}",`, 19_000) + "]",
		"templates without end":    "[" + strings.Repeat(`"${{",`, 19_000) + "]",
		"literal templates":        "a: |\n" + strings.Repeat(" ${{ a }}\n", 19_000),
		"many mistakes":            strings.Repeat("? [a]\n: b\n", 9_000),
	}
}

func blocks(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// worked is the processor time of this process: a machine that is busy with
// something else makes everything take long, and nothing cost more.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestHostileDocumentsAreRefusedAtOnce(t *testing.T) {
	const most, memory = 100 * time.Millisecond * slower, 32 << 20
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			src := schema.Source{File: "hostile.yaml", Text: []byte(text)}
			best := time.Duration(1 << 62)
			for range 3 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := worked(t)
				_, found := schema.Load(src)
				best = min(best, worked(t)-start)
				runtime.ReadMemStats(&after)
				if len(found) == 0 {
					t.Fatal("accepted")
				}
				if used := after.TotalAlloc - before.TotalAlloc; used > memory && slower == 1 {
					t.Fatalf("%d MB were used", used>>20)
				}
				if shown := len(found[:1].Render(src.Text)); shown > 4096 {
					t.Fatalf("the first mistake takes %d bytes to show", shown)
				}
			}
			if best > most {
				t.Errorf("took %s", best)
			}
		})
	}
}
