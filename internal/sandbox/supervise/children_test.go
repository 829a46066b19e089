package supervise

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDiesTooOften(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var slow child
	for i := range 50 {
		if slow.diesTooOften(now.Add(time.Duration(i) * 20 * time.Second)) {
			t.Fatalf("three deaths a minute are too many after %d", i)
		}
	}
	var fast child
	for i := range tooManyRestarts {
		if fast.diesTooOften(now.Add(time.Duration(i) * time.Second)) {
			t.Fatalf("gave up at death %d", i+1)
		}
	}
	if !fast.diesTooOften(now.Add(30 * time.Second)) {
		t.Error("never gives up")
	}
}

func TestLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("one\ntwo\nthree\nfour\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lastLines(path, 2); got != "  three\n  four" {
		t.Errorf("got %q", got)
	}
	if got := lastLines(path+"x", 2); !strings.Contains(got, "no log") {
		t.Errorf("got %q", got)
	}
}

func TestShellQuote(t *testing.T) {
	if got := shellQuote("it's"); got != `'it'\''s'` {
		t.Error(got)
	}
}
