package tool

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

// A stamp notices what the name and the size do not.
func TestStamp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tool")
	write := func(text string) Stamp {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := StampOf(path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := write("A")
	for write("B") == first { // until the clock of the file system ticks
	}
	if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if now, err := StampOf(path); err != nil || now == first {
		t.Error("it was not noticed")
	}
}

// What is not read again is noticed all the same, also when somebody sets its
// times back.
func TestSame(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"written":  func(path string) error { return os.WriteFile(path, []byte("#!/bin/sh\necho B\n"), 0o700) },
		"replaced": func(path string) error { return os.Rename(path+".other", path) },
		"gone":     os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tool")
			for p, text := range map[string]string{path: "#!/bin/sh\necho A\n", path + ".other": "#!/bin/sh\necho B\n"} {
				if err := os.WriteFile(p, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			found, err := Find("./tool", filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			var recorded Program // as it comes out of the journal
			raw, err := json.Marshal(found)
			if err == nil {
				err = json.Unmarshal(raw, &recorded)
			}
			if err != nil || found.Same() != nil || recorded.Same() != nil {
				t.Fatal(err, found.Same(), recorded.Same())
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			_ = os.Chtimes(path, info.ModTime(), info.ModTime())
			for _, p := range []Program{found, recorded} {
				if err := p.Same(); actions.KindOf(err) != actions.KindConflict {
					t.Errorf("%v", err)
				}
			}
		})
	}
}
