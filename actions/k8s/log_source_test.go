package k8s

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLastBytes(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		room int
		want string
		cut  bool
	}{
		"fits":            {"a\nb\n", 10, "a\nb\n", false},
		"exactly":         {"a\nb\n", 4, "a\nb\n", false},
		"whole lines":     {"first\nsecond\nthird\n", 16, "second\nthird\n", true},
		"one long line":   {strings.Repeat("x", 100), 10, strings.Repeat("x", 10), true},
		"empty":           {"", 10, "", false},
		"much":            {strings.Repeat("line\n", 100_000), 12, "line\nline\n", true},
		"not quite UTF-8": {"ok \xff\n", 10, "ok \uFFFD\n", false},
	} {
		got, cut, err := lastBytes(iotest.OneByteReader(strings.NewReader(c.in)), c.room)
		if got != c.want || cut != c.cut || err != nil {
			t.Errorf("%s: %q, %v, %v", name, got, cut, err)
		}
	}
	broken := io.MultiReader(strings.NewReader("kept\n"), iotest.ErrReader(errors.New("node is gone")))
	if got, _, err := lastBytes(broken, 10); got != "kept\n" || err == nil {
		t.Errorf("broken stream: %q, %v", got, err)
	}
}
