package controlplane

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"github.com/runbackhq/runback/internal/sandbox/layout"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// WriteAuditPolicy writes what the API server records.
func WriteAuditPolicy(dir layout.Dir) error {
	return os.WriteFile(dir.Run("audit-policy.yaml"), auditPolicy, 0o600)
}

// RunAPIServer runs the API server until the process is told to stop, and
// returns its exit code.
func RunAPIServer(dir layout.Dir, cfg layout.Config) int {
	cmd := apiserver.NewAPIServerCommand()
	cmd.SetArgs(apiServerArguments(dir, cfg))
	return cli.Run(cmd)
}

// RunControllerManager runs the controllers until the process is told to stop.
func RunControllerManager(dir layout.Dir) int {
	cmd := controllermanager.NewControllerManagerCommand()
	cmd.SetArgs(controllerManagerArguments(dir))
	return cli.Run(cmd)
}

// RunScheduler runs the scheduler until the process is told to stop.
func RunScheduler(dir layout.Dir) int {
	cmd := scheduler.NewSchedulerCommand()
	cmd.SetArgs(schedulerArguments(dir))
	return cli.Run(cmd)
}

// RunEtcd runs the store until the context ends.
func RunEtcd(ctx context.Context, dir layout.Dir, cfg layout.Config) error {
	e, err := embed.StartEtcd(etcdConfig(dir, cfg))
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	defer e.Close()
	select {
	case err := <-e.Err():
		return fmt.Errorf("etcd: %w", err)
	case <-ctx.Done():
		return nil
	}
}

func etcdConfig(dir layout.Dir, cfg layout.Config) *embed.Config {
	c := embed.NewConfig()
	c.Name = "sandbox"
	c.Dir = dir.Etcd()
	c.LogLevel = "warn"
	// a sandbox may be lost with the machine; it need not wait for the disk
	c.UnsafeNoFsync = true
	tls := transport.TLSInfo{
		CertFile:       dir.PKI("etcd.crt"),
		KeyFile:        dir.PKI("etcd.key"),
		TrustedCAFile:  dir.PKI("ca.crt"),
		ClientCertAuth: true,
	}
	c.ClientTLSInfo, c.PeerTLSInfo = tls, tls
	client, peer := localURL(cfg.EtcdClientPort()), localURL(cfg.EtcdPeerPort())
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	return c
}

func localURL(port int) url.URL {
	return url.URL{Scheme: "https", Host: fmt.Sprintf("127.0.0.1:%d", port)}
}
