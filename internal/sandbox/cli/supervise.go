package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
	"github.com/runbackhq/runback/internal/sandbox/supervise"
)

// progressFD is where the supervisor tells `up` how far it is.
const progressFD = 3

// superviseCommand is the task of the background process that `up` starts. Its
// standard input stays open until `up` is content or has gone away.
func superviseCommand(ctx context.Context, args []string) error {
	f := newFlags("supervise", os.Stderr)
	path := f.String("dir", "", "")
	opts := supervise.Options{}
	f.StringVar(&opts.App, "app", "", "")
	f.StringVar(&opts.Scenario, "scenario", "", "")
	f.StringVar(&opts.Metrics, "metrics-server", "", "")
	f.StringVar((*string)(&opts.Isolation), "isolation", "", "")
	f.IntVar(&opts.Nodes, "nodes", 2, "")
	f.IntVar(&opts.Rate, "rate", 60, "")
	f.DurationVar(&opts.TTL, "ttl", 2*time.Hour, "")
	f.IntVar(&opts.Owner.PID, "owner-pid", 0, "")
	f.Uint64Var(&opts.Owner.Start, "owner-start", 0, "")
	if err := parse(f, args); err != nil {
		return err
	}
	dir, err := layout.Open(*path)
	if err != nil {
		return err
	}
	opts.Dir = dir
	opts.Keep = awaitKeep()
	progress := supervise.NewProgress(os.NewFile(progressFD, "progress"))
	err = supervise.Run(ctx, opts, progress)
	if err != nil {
		progress.Failed(err)
	}
	return err
}

// errStarterGone means that `up` ended before the sandbox stood.
var errStarterGone = errors.New("its input was closed")

// awaitKeep reads one line: with it `up` leaves the sandbox to itself. The
// goroutine ends with the input, at the latest with the process.
func awaitKeep() <-chan error {
	keep := make(chan error, 1)
	go func() {
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			keep <- errStarterGone
			return
		}
		keep <- nil
	}()
	return keep
}

// ownerOf names the process that a sandbox shall not outlive.
func ownerOf(pid int) (process.ID, error) {
	if pid == 0 {
		return process.ID{}, nil
	}
	return process.Identify(pid)
}
