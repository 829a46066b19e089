package tool

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
)

// Success says whether the child was seen to end with one of the codes, 0 when
// none are given. A signal never is success.
func (e End) Success(codes ...int) bool {
	if e.State != supervise.Exited || e.Signal != "" {
		return false
	}
	if len(codes) == 0 {
		return e.Code == 0
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// Stdout gives the last most bytes of what was kept of standard output, and
// whether there was more.
func (e End) Stdout(most int64) (text string, cut bool) {
	return e.output(false, e.Outcome.Stdout, most)
}

// Stderr gives the last most bytes of what was kept of standard error, and
// whether there was more.
func (e End) Stderr(most int64) (text string, cut bool) {
	return e.output(true, e.Outcome.Stderr, most)
}

// output takes one that cannot be read for one that is cut: how the child ended
// is known all the same. Of a lost child nobody knows what came after.
func (e End) output(stderr bool, s supervise.Stream, most int64) (string, bool) {
	t, err := e.child.Output(stderr, s, most)
	return t.Text, t.Cut || err != nil || e.State == supervise.Lost
}

// Dir is where the records and outputs of the child are.
func (e End) Dir() string { return e.child.Dir() }

// Hint names the place where all of the output is.
func (e End) Hint() string { return "its output is in " + e.child.Dir() }

// mostLine keeps a message a line that can be read.
const (
	mostLine = 300
	tail     = 8 << 10
)

// How says in words how a child ended badly: "alembic exited with 1: ...".
func (e End) How(name string) string {
	what := fmt.Sprintf("exited with %d", e.Code)
	if e.Signal != "" {
		what = "was ended by signal: " + e.Signal
	}
	if e.Stopped != "" {
		what = "was stopped (" + e.Stopped + ") and " + what
	}
	stdout, _ := e.Stdout(tail)
	stderr, _ := e.Stderr(tail)
	if last := LastLine(cmp.Or(stderr, stdout)); last != "" {
		what += ": " + last
	}
	return filepath.Base(name) + " " + what
}

// Lost says that nobody can tell how a child ended.
func (e End) Lost() error {
	return fmt.Errorf("nobody saw how the command ended: its supervisor is gone and left no record in %s", e.child.Dir())
}

// AtWork says that a child has not ended: it was not told to, or it cannot be
// killed while it waits for a disk, or its supervisor is stopped.
func (e End) AtWork() error {
	return actions.AtWork("see to it that it ends, its number is in "+filepath.Join(e.child.Dir(), "child.json")+"; then resume", "the command still runs")
}

// ErrNotStarted says that the child of an attempt never began.
var ErrNotStarted = errors.New("the command was not started")

// LastLine gives the last line of a text, at a length that can be read.
func LastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := []rune(strings.TrimSpace(lines[len(lines)-1]))
	return string(last[:min(len(last), mostLine)])
}
