package node

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
)

// ledger notes every process of a container in a file of its own, so that
// whoever cleans up after a killed agent knows what was ours.
type ledger struct{ dir string }

func newLedger(dir string) *ledger { return &ledger{dir: dir} }

func (l *ledger) path(pid int) string { return filepath.Join(l.dir, strconv.Itoa(pid)) }

func (l *ledger) add(id process.ID) error {
	raw, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return os.WriteFile(l.path(id.PID), raw, 0o600)
}

func (l *ledger) remove(id process.ID) { _ = os.Remove(l.path(id.PID)) }

// reap kills what an earlier agent started and could not end.
func (l *ledger) reap(dir layout.Dir, log *slog.Logger) {
	for _, id := range append(ReadLedger(l.dir), process.Marked(string(dir))...) {
		if err := id.Signal(syscall.SIGKILL); err == nil {
			log.Warn("ended a process left by an earlier agent", "pid", id.PID)
		}
		l.remove(id)
	}
}

// ReadLedger lists the processes noted in dir, whether or not they still run.
func ReadLedger(dir string) []process.ID {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var ids []process.ID
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		var id process.ID
		if json.Unmarshal(raw, &id) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
