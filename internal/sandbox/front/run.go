package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/load"
)

// Run serves customers and the load generator's account until the context ends.
func Run(ctx context.Context, dir layout.Dir, cfg layout.Config, log *slog.Logger) error {
	rc, err := controlplane.RestConfig(dir.PKI(controlplane.Front+".kubeconfig"), "sandbox-front")
	if err != nil {
		return err
	}
	proxy := NewProxy(cfg.Slot)
	follower, err := NewFollower(rc, proxy, log)
	if err != nil {
		return err
	}
	account := load.NewAccount(time.Now())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	for _, part := range []func() error{
		func() error { return follower.Run(ctx) },
		func() error { return listen(ctx, cfg.AppPort(), proxy) },
		func() error { return listen(ctx, cfg.LoadPort(), load.Handler(account)) },
		func() error { load.Generate(ctx, cfg.AppURL()+"/", cfg.Rate, account); return nil },
	} {
		parts.Go(func() {
			if err := part(); err != nil {
				cancel(err)
			}
		})
	}
	parts.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func listen(ctx context.Context, port int, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err = <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		_ = srv.Close()
		<-served //nolint:errcheck // it ended because we closed it
		return nil
	}
}
