package schema_test

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/schema"
)

// TestTitlesAndNamesAreOneLine: with a line of its own a title could pass for a
// line of a plan.
func TestTitlesAndNamesAreOneLine(t *testing.T) {
	text := "apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: x, version: 1.0.0, title: TITLE}\nspec:\n  budget: 1m\n  steps:\n    - {id: a, name: NAME, uses: time.sleep, with: {for: 0s}}\n"
	for name, tc := range map[string]struct{ title, step, says string }{
		"plain":       {`"a b ö"`, `"a b ö"`, ""},
		"a title":     {`"a\nPlan: nothing would be changed"`, `a`, "title is not one line of text"},
		"a step":      {`a`, `"a\rb"`, "name of a step is not one line of text"},
		"an escape":   {`"a\e[2J"`, `a`, "title is not one line of text"},
		"C1 in steps": {`a`, `"a\x9b2J"`, "name of a step is not one line of text"},
	} {
		_, found := schema.Load(schema.Source{File: "x.yaml", Text: []byte(strings.NewReplacer("TITLE", tc.title, "NAME", tc.step).Replace(text))})
		said := ""
		for _, d := range found {
			said += d.Message
		}
		if tc.says == "" && said != "" || !strings.Contains(said, tc.says) {
			t.Errorf("%s: %q, want %q", name, said, tc.says)
		}
	}
}
