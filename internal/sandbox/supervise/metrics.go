package supervise

import (
	"context"
	"strconv"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
)

// metricsStage starts the metrics server, a program of its own, and registers it
// with the API server.
func (s *Supervisor) metricsStage(rc *rest.Config, client kubernetes.Interface) stage {
	return stage{
		title: "start the metrics server",
		launch: func(ctx context.Context) error {
			if err := controlplane.RegisterMetrics(ctx, s.opts.Dir, s.cfg, rc, client); err != nil {
				return err
			}
			return s.launch(ctx, MetricsServer, s.metricsArguments()...)
		},
		await: func(ctx context.Context) error {
			return poll(ctx, func() (bool, error) {
				_, err := client.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1").DoRaw(ctx)
				return err == nil, nil
			})
		},
	}
}

func (s *Supervisor) metricsArguments() []string {
	dir := s.opts.Dir
	file := func(name string) string { return dir.PKI(controlplane.MetricsServer + name) }
	kubeconfig := file(".kubeconfig")
	return []string{
		s.opts.Metrics,
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(s.cfg.MetricsPort()),
		"--tls-cert-file=" + file(".crt"),
		"--tls-private-key-file=" + file(".key"),
		"--kubelet-certificate-authority=" + dir.PKI("ca.crt"),
		"--kubelet-client-certificate=" + file(".crt"),
		"--kubelet-client-key=" + file(".key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-use-node-status-port",
		// the resolution must be longer than a request may take
		"--metric-resolution=10s",
		"--kubelet-request-timeout=5s",
	}
}
