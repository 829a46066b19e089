package supervise_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/supervise"
)

// A secret is where the child reads it and nowhere else: no file, no argument,
// no variable of any process holds it.
func TestSecret(t *testing.T) {
	const hidden = "s3cret-0af1:\\'x"
	dir, beside := child(t)
	spec := shell(dir, `stat -Lc '%a %F' `+supervise.SecretPath+`; read -r line < `+supervise.SecretPath+`; read -r again < `+supervise.SecretPath+`
[ "$line" = "$again" ] && echo "${#line} characters"; : > read; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done`)
	spec.Secret = []byte(hidden + "\n")
	c := start(t, spec)
	until(t, "the child", func() bool { return exists(filepath.Join(beside, "read")) })
	for _, where := range processTexts(t) {
		if strings.Contains(where.text, hidden) {
			t.Errorf("%s holds the secret", where.path)
		}
	}
	if err := filepath.WalkDir(beside, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), hidden) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(beside, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, o := over(t, c)
	if out, err := c.Output(false, o.Stdout, 1<<20); err != nil || !strings.HasPrefix(out.Text, "600 regular file\n") || !strings.Contains(out.Text, "characters") {
		t.Errorf("%+v %v: libpq wants a regular file that is ours alone, and opens it for each connection", out, err)
	}
}

type processText struct{ path, text string }

// processTexts gives the argument lists and environments of all processes.
func processTexts(t *testing.T) []processText {
	t.Helper()
	var out []processText
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%v %v", found, err)
		}
		for _, path := range found {
			b, err := os.ReadFile(path)
			if err == nil { // those that ended meanwhile hold nothing
				out = append(out, processText{path, string(b)})
			}
		}
	}
	return out
}
