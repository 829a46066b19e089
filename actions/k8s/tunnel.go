package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/runbackhq/runback/actions"
)

// tunnel is a port of this machine that leads to a port of a pod.
type tunnel struct {
	address string
	cancel  context.CancelFunc
	done    chan error
	heard   *heard
}

// tunnel opens a port on the loopback address that is free, so that nobody else
// is in the way and nobody from outside gets in.
func (cl *Cluster) tunnel(ctx context.Context, podName string, port int) (*tunnel, error) {
	doing := fmt.Sprintf("opening a way to port %d of pod %s", port, podName)
	h := &heard{something: make(chan struct{})}
	inner, cancel := context.WithCancel(klog.NewContext(ctx, klog.New(h)))
	dialer, err := cl.forwardDialer(inner, podName)
	if err != nil {
		cancel()
		return nil, explain(ctx, err, doing)
	}
	ready := make(chan struct{})
	f, err := portforward.NewOnAddressesForStreamingWithContext(inner, dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, ready, io.Discard, io.Discard)
	if err != nil {
		cancel()
		return nil, explain(ctx, err, doing)
	}
	t := &tunnel{cancel: cancel, done: make(chan error, 1), heard: h}
	go func() { t.done <- f.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-t.done:
		cancel()
		return nil, unopened(ctx, err, doing)
	case <-ctx.Done():
		// The dialling itself cannot be stopped; it ends with its own time.
		cancel()
		return nil, actions.Unreachable("%s: %w", doing, actions.Cause(ctx, ctx.Err()))
	}
	ports, err := f.GetPorts()
	if err != nil || len(ports) != 1 {
		t.close()
		return nil, errors.Join(fmt.Errorf("%s: no port was opened", doing), err)
	}
	t.address = fmt.Sprintf("127.0.0.1:%d", ports[0].Local)
	return t, nil
}

// forwardDialer takes a WebSocket, and SPDY only where that is not understood,
// as kubectl does it.
func (cl *Cluster) forwardDialer(ctx context.Context, podName string) (httpstream.Dialer, error) {
	config := rest.CopyConfig(cl.config)
	url := cl.API.Pods(cl.Namespace).Stream(podName, "portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	old := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	socket, err := portforward.NewSPDYOverWebsocketDialerForStreamingWithLogger(klog.FromContext(ctx), url, config)
	if err != nil {
		return nil, err
	}
	return portforward.NewFallbackDialerForStreaming(socket, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

// unopened explains why there is no way. The forwarder keeps the text of an
// error only, so a node that does not answer is known by its words.
func unopened(ctx context.Context, err error, doing string) error {
	if err == nil {
		return fmt.Errorf("%s: it was closed at once", doing)
	}
	for _, words := range []string{"connection refused", "connection reset", "i/o timeout", "unexpected EOF", "no route to host", "TLS handshake timeout"} {
		if strings.Contains(err.Error(), words) {
			return actions.Unreachable("%s: %w", doing, err)
		}
	}
	return explain(ctx, err, doing)
}

// close lets go of the port and waits until it is free.
func (t *tunnel) close() {
	t.cancel()
	<-t.done //nolint:errcheck // it is us who end it
}

// said gives what the forwarder had to say, or "": that the pod refuses the
// connection is known to it, and not to whoever asks through it. It hears that
// over a stream of its own, which may be later than the end of the connection.
// Where there was no answer it is waited for.
func (t *tunnel) said(unanswered bool) string {
	if unanswered {
		select {
		case <-t.heard.something:
		case <-time.After(hearing):
		}
	}
	if s := t.heard.last(); s != "" {
		return ": " + s
	}
	return ""
}

// heard keeps what the forwarder logs: it tells errors in no other way, and
// nothing of it belongs on the screen.
type heard struct {
	mu        sync.Mutex
	err       string
	something chan struct{} // closed by the first error
}

// hearing is how long it is waited for what the forwarder has to say.
const hearing = 500 * time.Millisecond

func (h *heard) last() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Error implements klog.LogSink.
func (h *heard) Error(err error, msg string, _ ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		msg = err.Error()
	}
	if h.err == "" {
		close(h.something)
	}
	h.err = cmp.Or(shorten(strings.TrimSpace(msg), mostMessage), "it gave no reason")
}

// The rest of klog.LogSink: nothing else is heard.

// Init implements klog.LogSink.
func (h *heard) Init(klog.RuntimeInfo) {}

// Enabled implements klog.LogSink.
func (h *heard) Enabled(int) bool { return false }

// Info implements klog.LogSink.
func (h *heard) Info(int, string, ...any) {}

// WithValues implements klog.LogSink.
func (h *heard) WithValues(...any) klog.LogSink { return h }

// WithName implements klog.LogSink.
func (h *heard) WithName(string) klog.LogSink { return h }
