package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeClient calls a node as a holder of one of the sandbox's certificates.
func (s *sandbox) nodeClient(identity string) *http.Client {
	s.t.Helper()
	ca, err := os.ReadFile(s.dir.PKI("ca.crt"))
	if err != nil {
		s.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	cfg := &tls.Config{RootCAs: pool}
	if identity != "" {
		cert, err := tls.LoadX509KeyPair(s.dir.PKI(identity+".crt"), s.dir.PKI(identity+".key"))
		if err != nil {
			s.t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
}

func (s *sandbox) nodeURL(name, path string) string {
	s.t.Helper()
	n, err := s.client.CoreV1().Nodes().Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("https://127.0.0.1:%d%s", n.Status.DaemonEndpoints.KubeletEndpoint.Port, path)
}

func (s *sandbox) nodeMetrics(name string) string {
	s.t.Helper()
	resp, err := s.nodeClient("admin").Get(s.nodeURL(name, "/metrics/resource"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

func testNodeIsClosed(s *sandbox) {
	for _, identity := range []string{"", "front"} {
		resp, err := s.nodeClient(identity).Get(s.nodeURL("node-1", "/pods"))
		if err == nil {
			_ = resp.Body.Close()
			s.t.Errorf("identity %q may call a node", identity)
		}
	}
}

func TestAccess(t *testing.T) {
	s := start(t, "healthy", "--rate", "5")
	testNodeIsClosed(s)
}

// TestMetricsServer needs the optional program beside the others.
func TestMetricsServer(t *testing.T) {
	if !exists(filepath.Join(programs, "metrics-server")) {
		t.Fatal("metrics-server is missing; build it with: make sandbox sandbox-metrics")
	}
	s := start(t, "healthy", "--metrics")
	s.eventually("kubectl top", time.Minute, func() error {
		r := s.kubectl("", "top", "pods", "--no-headers")
		if r.code != 0 || strings.Count(r.stdout, "\n") != 3 {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
}
