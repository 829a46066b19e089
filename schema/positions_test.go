package schema_test

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/schema"
)

// Each ^ of a case marks the place that is asked for in the line above it.
func TestExpressionIsFoundInEveryStyleOfText(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                "a: ${{ x }}\n       ^",
		"text around":          "a: hello ${{ x }}!\n             ^",
		"behind wide runes":    "a: 日本é ${{ x }}\n           ^",
		"single quotes":        "a: 'it''s ${{ x }}'\n              ^",
		"double quotes":        "a: \"\\\" \\t \\u00e9 ${{ x }}\"\n                     ^",
		"an escaped dollar":    "a: \"\\x24{{ x }}\"\n           ^",
		"no spaces":            "a: ${{x}}\n      ^",
		"literal":              "a: |\n  one\n    ${{ x }}\n        ^",
		"folded":               "a: >-\n  one\n\n  two ${{ x }}\n          ^",
		"plain over lines":     "a: one\n  two ${{ x }}\n          ^",
		"quoted over lines":    "a: \"one\n  two \\\n  ${{ x }}\"\n      ^",
		"the second of two":    "a: ${{ y }} and ${{ x }}\n                    ^",
		"the same twice":       "b: ${{ x }}\na: ${{ x }}\n       ^",
		"on a line with more":  "{b: '${{ y }}', a: '${{ x }}'}\n                        ^",
		"an expression inside": "a: ${{ \"${{\" + y }} ${{ x }}\n                        ^",
		"carriage returns":     "b: 1\r\na: ${{ x }}\r\n       ^",
		"after a comment":      "# ${{ x }}\na: ${{ x }} # ${{ x }}\n       ^",
	} {
		t.Run(name, func(t *testing.T) {
			src, want := marked(t, text)
			tree, found := schema.Parse("p.yaml", src)
			if found != nil {
				t.Fatal(found)
			}
			at, _ := tree.Get("a")
			if last := at.Parts[len(at.Parts)-1]; !last.Expr {
				at.Parts = at.Parts[:len(at.Parts)-1]
			}
			if got := at.Parts[len(at.Parts)-1]; got.At != want || got.Text != "x" {
				t.Errorf("%q is at %s, want %s", got.Text, got.At, want)
			}
		})
	}
}

// Within finds a place inside an expression, however its text is wrapped.
func TestPlaceInsideAnExpression(t *testing.T) {
	for name, text := range map[string]string{
		"plain":         "a: one && two\n          ^",
		"folded":        "a: >-\n  one &&\n  two\n  ^",
		"literal":       "a: |\n    one\n      && two\n         ^",
		"single quotes": "a: 'one == ''x'' && two'\n                    ^",
		"double quotes": "a: \"one == \\\"x\\\" && two\"\n                    ^",
	} {
		t.Run(name, func(t *testing.T) {
			src, want := marked(t, text)
			tree, found := schema.Parse("p.yaml", src)
			if found != nil {
				t.Fatal(found)
			}
			v, _ := tree.Get("a")
			source := v.Value.(string)
			if got := schema.Within(src, v.Pos, source, len([]rune(source[:strings.Index(source, "two")]))); got != want {
				t.Errorf("two is at %s, want %s", got, want)
			}
		})
	}
	if at := (schema.Pos{File: "flag"}); schema.Within(nil, at, "x", 3) != at {
		t.Error("a place outside of a file moved")
	}
}

// marked cuts off the line with the mark and gives the place above it.
func marked(t *testing.T, text string) ([]byte, schema.Pos) {
	t.Helper()
	i := strings.LastIndex(text, "\n")
	src, mark := text[:i+1], text[i+1:]
	return []byte(src), schema.Pos{File: "p.yaml", Line: strings.Count(src, "\n"), Col: strings.Index(mark, "^") + 1}
}

func TestExpressionEndsWhereItLooks(t *testing.T) {
	for text, want := range map[string]string{
		`${{ {a: {b: 1}} }}`:           `{a: {b: 1}}`,
		`${{ {a: {b: {}}}}}`:           `{a: {b: {}}}`,
		`${{ "}}" + '}}' }}`:           `"}}" + '}}'`,
		"${{ `}}\\` }}":                "`}}\\`",
		`${{ "\"}}" }}`:                `"\"}}"`,
		`${{ x["}}"] ?? {"y": "}"} }}`: `x["}}"] ?? {"y": "}"}`,
	} {
		tree, found := schema.Parse("p.yaml", []byte("a: |-\n  "+text))
		a, _ := tree.Get("a")
		if found != nil || len(a.Parts) != 1 || a.Parts[0].Text != want {
			t.Errorf("%s: %v, %v", text, a.Parts, found)
		}
	}
}

func TestTemplateKeepsTypeOnlyWhenAlone(t *testing.T) {
	for text, whole := range map[string]bool{"a: ${{ x }}": true, "a: ' ${{ x }}'": false, "a: ${{ x }}${{ y }}": false, "a: x": false} {
		tree, _ := schema.Parse("p.yaml", []byte(text))
		if v, _ := tree.Get("a"); v.Whole() != whole {
			t.Errorf("%s: whole is %v", text, v.Whole())
		}
	}
}

func TestRenderedLineIsSafeAndAligned(t *testing.T) {
	for _, tc := range []struct {
		line  string
		col   int
		width int
		want  string
	}{
		{"\tkey:\tx", 7, 1, "   1 | \tkey:\tx\n     | \t    \t^\n"},
		{"日本: x", 5, 1, "   1 | 日本: x\n     |       ^\n"},
		{"x 日本", 3, 2, "   1 | x 日本\n     |   ^^^^\n"},
		{"e\u0301x", 3, 1, "   1 | e\u0301x\n     |  ^\n"},
		{"a \x1b]0;evil\a b", 3, 1, "   1 | a �]0;evil� b\n     |   ^\n"},
		{"short", 6, 9, "   1 | short\n     |      ^\n"},
		{"short", 60, 9, "   1 | short\n"},
	} {
		ds := schema.Diagnostics{{Pos: schema.Pos{File: "f", Line: 1, Col: tc.col}, Width: tc.width, Message: "m"}}
		_, got, _ := strings.Cut(ds.Render([]byte(tc.line)), "\n")
		if got != tc.want {
			t.Errorf("%q:\n%s\nwant\n%s", tc.line, got, tc.want)
		}
	}
}
