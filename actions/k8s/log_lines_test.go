package k8s

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 2*mostLine) + "database\n"
	for name, c := range map[string]struct {
		in, with, want string
		read, kept     int
	}{
		"all":                  {"a\n\nb\n", "", "a\n\nb\n", 2, 3},
		"those with the text":  {"database up\nother\nno database\n", "database", "database up\nno database\n", 3, 2},
		"a line without end":   {"other\ndatabase", "database", "database", 2, 1},
		"capitals differ":      {"Database\n", "database", "", 1, 0},
		"nothing":              {"", "database", "", 0, 0},
		"a line beyond bounds": {long, "database", long[len(long)-9:], 3, 1},
	} {
		l := &lines{r: iotest.HalfReader(strings.NewReader(c.in)), with: c.with}
		got, err := io.ReadAll(l)
		if name == "a line beyond bounds" {
			if !strings.HasSuffix(string(got), "database\n") || l.kept != 1 {
				t.Errorf("%s: %d bytes, %d kept", name, len(got), l.kept)
			}
			continue
		}
		if string(got) != c.want || l.read != c.read || l.kept != c.kept || err != nil {
			t.Errorf("%s: %q, %d read, %d kept, %v", name, got, l.read, l.kept, err)
		}
	}
	l := &lines{r: io.MultiReader(strings.NewReader("a database\nb"), iotest.ErrReader(errors.New("node is gone"))), with: "database"}
	if got, err := io.ReadAll(l); string(got) != "a database\n" || err == nil {
		t.Errorf("broken stream: %q, %v", got, err)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\ndatabase\n", "database")
	f.Add("\n\n", "")
	f.Add("no end", "e")
	f.Fuzz(func(t *testing.T, in, with string) {
		var want strings.Builder
		for line := range strings.Lines(in) {
			if strings.Contains(line, with) {
				want.WriteString(line)
			}
		}
		got, err := io.ReadAll(&lines{r: iotest.OneByteReader(strings.NewReader(in)), with: with})
		if err != nil || string(got) != want.String() {
			t.Errorf("%q, want %q, %v", got, want.String(), err)
		}
	})
}
