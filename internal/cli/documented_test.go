package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/schema"
)

var fenced = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestDocumentedPlaybooks compiles every whole playbook that a page shows.
func TestDocumentedPlaybooks(t *testing.T) {
	_, registry, err := (&App{}).world()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fenced.FindAllSubmatch(text, -1) {
			if !strings.Contains(string(m[1]), "apiVersion: ") || strings.Contains(string(m[1]), "…") || strings.Contains(string(m[1]), "kind: Project") {
				continue
			}
			found++
			src := schema.Source{File: filepath.Base(page), Text: m[1]}
			if _, bad := executor.Compile(src, registry); len(bad) > 0 {
				t.Errorf("%s", bad.Render(src.Text))
			}
		}
	}
	if found < 2 {
		t.Errorf("only %d playbooks in the pages", found)
	}
}
