// Command metrics-server is the Kubernetes metrics server, for sandboxes that
// want kubectl top or autoscaling. It is a module of its own because it needs
// another version of the Kubernetes libraries than the sandbox.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/component-base/cli"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(app.NewMetricsServerCommand(ctx.Done()))
}
