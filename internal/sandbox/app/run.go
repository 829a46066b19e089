package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// drain is how long an instance serves after it was told to stop: the news
	// has to reach every proxy first.
	drain           = 1500 * time.Millisecond
	shutdownTimeout = 5 * time.Second
)

// ErrCrash is the end of a version that crashes.
var ErrCrash = errors.New("fatal: corrupted session store")

// Config is where and what an instance runs.
type Config struct {
	Listen    string
	Pod       string
	ShardDir  string
	Behaviour Behaviour
}

// Run serves until the context ends and all requests are answered.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	s := NewServer(cfg.Behaviour, cfg.Pod, log)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	log.Info("started", "version", cfg.Behaviour.Version, "pod", cfg.Pod, "listen", l.Addr().String())

	var background sync.WaitGroup
	defer background.Wait()
	ended := make(chan struct{})
	defer close(ended)
	background.Go(func() { s.becomeReady(ctx, cfg, ended) })

	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-crashTimer(cfg.Behaviour.CrashAt):
		log.Error("crashed", "reason", ErrCrash.Error(), "version", cfg.Behaviour.Version)
		return ErrCrash
	case <-ctx.Done():
	}
	log.Info("draining", "for", drain.String())
	time.Sleep(drain)
	return shutdown(srv, served, log)
}

func shutdown(srv *http.Server, served <-chan error, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	<-served //nolint:errcheck // it ended because we shut it down
	if err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	log.Info("stopped")
	return nil
}

// becomeReady opens the instance at once or when it got its place, which it
// keeps while it drains.
func (s *Server) becomeReady(ctx context.Context, cfg Config, ended <-chan struct{}) {
	if cfg.Behaviour.Shards == 0 {
		s.SetReady(true)
		return
	}
	shard, err := ClaimShard(ctx, cfg.ShardDir, cfg.Behaviour.Shards)
	if err != nil {
		s.log.Error("no shard", "reason", err.Error())
		return
	}
	defer func() { _ = shard.Close() }()
	s.log.Info("holding a shard", "file", shard.Name())
	s.SetReady(true)
	<-ended
}

func crashTimer(after time.Duration) <-chan time.Time {
	if after == 0 {
		return nil
	}
	return time.After(after)
}
