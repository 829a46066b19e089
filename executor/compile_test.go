package executor_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Every file of testdata/compile holds mistakes that only somebody who knows
// the actions can see; the golden file beside it is what its author reads.
func TestMistakesAreShownBeforeAnythingRuns(t *testing.T) {
	files, err := filepath.Glob("testdata/compile/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, found := executor.Compile(schema.Source{File: filepath.Base(file), Text: text}, newWorld().registry(t))
			if p != nil || len(found) == 0 {
				t.Error("it compiles")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", found.Render(text))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if this is right: go test ./executor -update\n%s", file, diff)
	}
}

func TestProgramIsWalkedInTheOrderOfTheDocument(t *testing.T) {
	b := newBench(t)
	p := b.program(spec(set("a", 1, ""), "    - {id: k, steps: [{id: b, "+waits+"}], rescue: [{id: c, "+waits+"}], finally: [{id: d, "+waits+"}]}\n") + "  rescue:\n" + set("e", 1, "") + "  finally:\n" + set("f", 1, ""))
	var got []string
	p.Walk(func(n *executor.Node, section string, depth int) {
		got = append(got, fmt.Sprintf("%d %s %s", depth, section, n.Path))
	})
	want := []string{"0 steps a", "0 steps k", "1 steps k/b", "1 rescue k/~rescue/c", "1 finally k/~finally/d", "0 rescue ~rescue/e", "0 finally ~finally/f"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
