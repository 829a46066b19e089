// Package node runs nodes whose pods are local processes. A node registers
// itself, follows the pods bound to it, starts and probes their containers,
// reports what it sees, and serves logs, exec and port-forward.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"

	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
)

// host is what all nodes of this process share: one machine with one set of
// addresses, and one thread that starts all processes.
type host struct {
	dir       layout.Dir
	cfg       layout.Config
	client    kubernetes.Interface
	recorder  record.EventRecorder
	spawner   *process.Spawner
	addresses *addressPool
	processes *ledger
	log       *slog.Logger
}

// Run runs all nodes of a sandbox until the context ends, then ends their
// containers.
func Run(ctx context.Context, dir layout.Dir, cfg layout.Config, logger *slog.Logger) error {
	rc, err := controlplane.RestConfig(dir.PKI(controlplane.NodeAgent+".kubeconfig"), "sandbox-node")
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return err
	}
	h := &host{
		dir: dir, cfg: cfg, client: client, spawner: process.NewSpawner(), log: logger,
		addresses: newAddressPool(cfg.Slot), processes: newLedger(dir.Records()),
	}
	defer h.spawner.Close()
	// what an earlier agent left behind where the kernel could not end it
	h.processes.reap(dir, logger)
	events := record.NewBroadcaster(record.WithContext(ctx))
	defer events.Shutdown()
	events.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: client.CoreV1().Events("")})
	h.recorder = events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet"})
	return h.runNodes(ctx)
}

func (h *host) runNodes(ctx context.Context) error {
	ctx, cancel := context.WithCancel(log.WithLogger(ctx, quiet{}))
	defer cancel()
	errs := make(chan error, h.cfg.Nodes)
	var all sync.WaitGroup
	for i := range h.cfg.Nodes {
		all.Go(func() {
			// one node down takes the others along; the supervisor restarts us
			defer cancel()
			if err := h.runNode(ctx, i); err != nil {
				errs <- fmt.Errorf("%s: %w", h.cfg.NodeName(i), err)
			}
		})
	}
	all.Wait()
	close(errs)
	var joined error
	for err := range errs {
		joined = errors.Join(joined, err)
	}
	return joined
}

func (h *host) runNode(ctx context.Context, i int) error {
	m := newManager(h, h.cfg.NodeName(i))
	var parts sync.WaitGroup
	defer parts.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, part := range []func(context.Context) error{
		m.follow,
		func(ctx context.Context) error { return m.serve(ctx, h.cfg.NodePort(i)) },
		func(ctx context.Context) error { return m.register(ctx, h.cfg.NodePort(i)) },
	} {
		parts.Go(func() {
			if err := part(ctx); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	parts.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// closeQuietly is for streams whose other end may be gone already.
func closeQuietly(c io.Closer) { _ = c.Close() }

// shortly is how long the agent waits before it tries a failed call again.
const shortly = 200 * time.Millisecond
