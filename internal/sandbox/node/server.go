package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
)

// streamIdle is as long as a real kubelet keeps a silent exec or port-forward.
const streamIdle = 4 * time.Hour

// serve answers the API server's calls: logs, exec, attach, port-forward and
// metrics. It insists on the API server's certificate, since any local user can
// reach the port.
func (m *manager) serve(ctx context.Context, port int) error {
	tlsConfig, err := m.tls()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: m.routes(), ReadHeaderTimeout: 30 * time.Second, TLSConfig: tlsConfig}
	served := make(chan error, 1)
	// streams are upgraded connections, which HTTP/2 has not
	go func() { served <- srv.Serve(tls.NewListener(l, tlsConfig)) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		closeQuietly(srv)
		err = <-served
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

func (m *manager) routes() http.Handler {
	return api.PodHandler(api.PodHandlerConfig{
		RunInContainer:        m.exec,
		AttachToContainer:     m.attach,
		PortForward:           m.portForward,
		GetContainerLogs:      m.logs,
		GetPods:               m.list,
		GetPodsFromKubernetes: m.list,
		GetStatsSummary:       m.summary,
		GetMetricsResource:    m.resourceMetrics,
		StreamIdleTimeout:     streamIdle,
		StreamCreationTimeout: streamIdle,
	}, false)
}

func (m *manager) tls() (*tls.Config, error) {
	dir := m.host.dir
	cert, err := tls.LoadX509KeyPair(dir.PKI("kubelet.crt"), dir.PKI("kubelet.key"))
	if err != nil {
		return nil, fmt.Errorf("load serving certificate: %w", err)
	}
	ca, err := os.ReadFile(dir.PKI("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		VerifyConnection: onlyKubeletClients,
	}, nil
}

// onlyKubeletClients keeps other holders of a certificate of this authority
// out: the front proxy, say, must not exec into pods.
func onlyKubeletClients(state tls.ConnectionState) error {
	switch name := state.PeerCertificates[0].Subject.CommonName; name {
	case "kube-apiserver-kubelet-client", "sandbox:metrics-server", "sandbox-admin":
		return nil
	default:
		return fmt.Errorf("%s may not call a node", name)
	}
}

func (m *manager) list(context.Context) ([]*corev1.Pod, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*corev1.Pod
	for _, p := range m.pods {
		out = append(out, p.object())
	}
	return out, nil
}
