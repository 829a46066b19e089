// Command sandbox-app is one instance of the sample application. The node agent
// of the sandbox starts it and tells it by variables who it is:
// APP_VERSION, POD_NAME, LISTEN and SHARD_DIR.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/runbackhq/runback/internal/sandbox/app"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := run(log); err != nil {
		log.Error("exiting", "reason", err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	b, err := app.Parse(os.Getenv("APP_VERSION"))
	if err != nil {
		return err
	}
	if b, err = b.FromEnvironment(); err != nil {
		return err
	}
	return app.Run(ctx, app.Config{
		Listen: os.Getenv("LISTEN"), Pod: os.Getenv("POD_NAME"), ShardDir: os.Getenv("SHARD_DIR"), Behaviour: b,
	}, log)
}
