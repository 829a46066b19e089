package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/front"
	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/node"
	"github.com/runbackhq/runback/internal/sandbox/supervise"
)

// component is the task of a process that the supervisor started.
func component(ctx context.Context, stop func(), args []string, stderr io.Writer) int {
	if len(args) == 0 {
		return report(usageError{fmt.Errorf("component: no name")}, stderr)
	}
	name := args[0]
	f := newFlags("component "+name, stderr)
	path := f.String("dir", "", "folder of the sandbox")
	if err := parse(f, args[1:]); err != nil {
		return report(err, stderr)
	}
	dir, err := layout.Open(*path)
	if err != nil {
		return report(err, stderr)
	}
	cfg, err := dir.ReadConfig()
	if err != nil {
		return report(err, stderr)
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	switch name {
	case supervise.APIServer:
		stop() // these three handle signals themselves
		return controlplane.RunAPIServer(dir, cfg)
	case supervise.ControllerManager:
		stop()
		return controlplane.RunControllerManager(dir)
	case supervise.Scheduler:
		stop()
		return controlplane.RunScheduler(dir)
	case supervise.Etcd:
		err = controlplane.RunEtcd(ctx, dir, cfg)
	case supervise.Nodes:
		err = node.Run(ctx, dir, cfg, log)
	case supervise.Front:
		err = front.Run(ctx, dir, cfg, log)
	default:
		err = usageError{fmt.Errorf("unknown component %q", name)}
	}
	return report(err, stderr)
}
