package schema_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/runbackhq/runback/schema"
)

func FuzzLoad(f *testing.F) {
	for _, glob := range []string{"testdata/mistakes/*.yaml", "../playbooks/*.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pb, found := schema.Load(schema.Source{File: "f.yaml", Text: text})
		if len(found) == 0 && (pb == nil || pb.Metadata.Name == "" || len(pb.Spec.Steps) == 0) {
			t.Fatal("a playbook without a name or steps has no mistake")
		}
		insideFile(t, text, found)
		_ = found.Render(text)
	})
}

// insideFile holds every mistake to a place that an editor can go to.
func insideFile(t *testing.T, text []byte, found schema.Diagnostics) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	for _, d := range found {
		if d.Pos.File != "f.yaml" || d.Pos.Line < 1 || d.Pos.Line > len(lines) {
			t.Fatalf("%s: outside of a file of %d lines: %s", d.Pos, len(lines), d.Message)
		}
		if n := len([]rune(lines[d.Pos.Line-1])); d.Pos.Col < 1 || d.Pos.Col > n+1 {
			t.Fatalf("%s: outside of a line of %d columns: %s", d.Pos, n, d.Message)
		}
	}
}

// A template is cut into parts that give it back, and every expression is
// found where it stands.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a ${{ b }} c", "${{a}}${{b}}", `${{ {"a": "}}"} }}`, "it's \\ ${{ a }}", "日本 ${{ a }}", "${{", "}}${{ a }}", "${{ '${{' }} ${{ b }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\t\"\\") || len(text) > 2000 {
			t.Skip()
		}
		src := []byte(`"` + text + `"` + "\n")
		tree, found := schema.Parse("f.yaml", src)
		insideFile(t, src, found)
		if tree.Kind != schema.Template {
			return
		}
		line, literals := []rune(string(src)), ""
		for _, p := range tree.Parts {
			if !p.Expr {
				literals += p.Text
				continue
			}
			if at := p.At.Col - 1; !strings.HasPrefix(string(line[at:]), p.Text) {
				t.Errorf("%q is not at %s", p.Text, p.At)
			}
		}
		if len(literals) > len(text) {
			t.Errorf("%q is longer than the text", literals)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"90s", "2m30s", "1h", "1.5h", "0s", "0", "-1s", "1500ms", "1us", "9999999h", "100h0m0s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := schema.ParseDuration(text)
		if err != nil {
			return
		}
		again, err := schema.ParseDuration(d.String())
		if err != nil || again != d || d < 0 {
			t.Errorf("%q is %s, which reads as %s, %v", text, d, again, err)
		}
	})
}

func FuzzParseShare(f *testing.F) {
	for _, s := range []string{"5%", "0.05", "150 %", "-1%", "inf", "NaN%", "1e400", "0x1p-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schema.ParseShare(text)
		if err != nil {
			return
		}
		again, err := schema.ParseShare(s.String())
		off := math.Abs(float64(again - s))
		if err != nil || off > 1e-5*float64(s) || math.IsInf(float64(s), 0) {
			t.Errorf("%q is %v, written %s, which reads as %v, %v", text, float64(s), s, float64(again), err)
		}
	})
}
