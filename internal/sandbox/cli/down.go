package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/node"
	"github.com/runbackhq/runback/internal/sandbox/process"
)

const (
	politeWait = 15 * time.Second
	killWait   = 5 * time.Second
)

// down stops what `up` started and nothing else.
func down(ctx context.Context, args []string, stdout io.Writer) error {
	f := newFlags("down", stdout)
	path := f.String("dir", "", "folder of the sandbox (required)")
	if err := parse(f, args); err != nil {
		return err
	}
	dir, err := layout.Open(*path)
	if err != nil {
		return usageError{fmt.Errorf("down: --dir: %w", err)}
	}
	begin := time.Now()
	if err := endAll(ctx, dir); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "nothing of the sandbox in %s runs (%.1fs)\n", dir, time.Since(begin).Seconds())
	return nil
}

// endAll ends the supervisor, which ends the rest, and then whatever of the
// sandbox is left, and makes sure that nothing is.
func endAll(ctx context.Context, dir layout.Dir) error {
	state, err := dir.ReadState()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	if state.Supervisor.Signal(syscall.SIGTERM) == nil {
		awaitGone(ctx, politeWait, []process.ID{state.Supervisor})
	}
	all := processes(dir)
	for _, id := range all {
		if err := id.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, process.ErrGone) {
			return fmt.Errorf("end process %d: %w", id.PID, err)
		}
	}
	if left := awaitGone(ctx, killWait, all); len(left) > 0 {
		return fmt.Errorf("still running: processes %v", left)
	}
	return ctx.Err()
}

// processes lists everything the sandbox noted as its own, and what carries its
// marker: without namespaces, parts of a container can outlive it.
func processes(dir layout.Dir) []process.ID {
	ids := node.ReadLedger(dir.Records())
	state, err := dir.ReadState()
	if err != nil {
		return ids
	}
	ids = append(ids, process.Marked(string(dir))...)
	ids = append(ids, state.Supervisor)
	for _, c := range state.Components {
		ids = append(ids, c.Process)
	}
	return ids
}

// awaitGone returns the pids that still run at the end.
func awaitGone(ctx context.Context, limit time.Duration, ids []process.ID) []int {
	deadline := time.Now().Add(limit)
	for {
		var left []int
		for _, id := range ids {
			if id.Alive() {
				left = append(left, id.PID)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) || ctx.Err() != nil {
			return left
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// awaitEnd waits for a sandbox that was let go of to end itself.
func awaitEnd(dir layout.Dir) error {
	if left := awaitGone(context.Background(), politeWait, processes(dir)); len(left) > 0 {
		return fmt.Errorf("still running: processes %v", left)
	}
	return nil
}

func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t\n'\"\\$&;|<>()*?[]#~`!{}") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
