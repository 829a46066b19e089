package schema_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Every file of testdata/mistakes holds mistakes; the golden file beside it is
// what its author reads: all mistakes at once, each with its line, a caret
// under the place, and a hint.
func TestMistakesAreShownWhereTheyStand(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, found := schema.Load(schema.Source{File: filepath.Base(file), Text: text})
			if len(found) == 0 {
				t.Error("no mistake was found")
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
		t.Errorf("%s differs (-want +got); if this is right: go test ./schema -update\n%s", file, diff)
	}
}
