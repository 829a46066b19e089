package cli_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestC4BrokenOutput: whatever becomes of the output, the run goes to its end
// and the exit code is right.
func TestC4BrokenOutput(t *testing.T) {
	run := "run ./slow.yaml --yes --reason test"
	for name, script := range map[string]string{
		"stdout closed":            "runback " + run + " >&-",
		"stderr closed":            "runback " + run + " 2>&- >/dev/null",
		"all closed":               "runback " + run + " <&- >&- 2>&-",
		"stdin closed":             "runback " + run + " <&- >/dev/null",
		"a full disk":              "runback " + run + " >/dev/full 2>/dev/full",
		"a full disk, as events":   "runback " + run + " --progress json >/dev/full",
		"a reader that goes":       "{ runback " + run + "; echo $? > code; } | true; exit $(cat code)",
		"a reader that goes later": "{ runback " + run + "; echo $? > code; } | head -1 >/dev/null; exit $(cat code)",
		"both go":                  "{ runback " + run + " 2>&1; echo $? > code; } | true; exit $(cat code)",
		"TERM=dumb":                "TERM=dumb runback " + run + " >/dev/null",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.write("go", "")
			cmd := exec.Command("/bin/sh", "-c", script)
			cmd.Dir, cmd.Env = p.dir, p.env
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if strings.Contains(string(out), "panic") {
				t.Error(string(out))
			}
			p.wantLedger("xy")
			if _, told := p.tell("status", "last"); !strings.Contains(told, "✔ succeeded") {
				t.Error(told)
			}
		})
	}
}

// A pager that does not read does not hold a run up.
func TestC4ReaderThatDoesNotRead(t *testing.T) {
	p := newPlace(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w)
	cmd := p.command("run", "./slow.yaml", "--yes", "--reason", "test", "--progress", "json")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	p.begun()
	p.write("go", "")
	p.soon("the last step is done although nobody reads", func() bool {
		got, _ := os.ReadFile(filepath.Join(p.dir, "ledger"))
		return strings.Contains(string(got), "y")
	})
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	p.wantLedger("xy")
	if !strings.Contains(string(all), `"type":"run.ended"`) {
		t.Error("the events did not arrive")
	}
}

// fill fills a pipe.
func fill(t testing.TB, w *os.File) {
	t.Helper()
	if _, err := w.Write(make([]byte, 65536)); err != nil { // the capacity of a pipe on Linux, pipe(7)
		t.Fatal(err)
	}
}
