// Package controlplane runs the real control plane of a sandbox: etcd, the API
// server, the controller manager and the scheduler, each as one process.
package controlplane

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/pki"
)

// Identities of the components that call the API server. The file names of
// their certificates and kubeconfigs are the same words.
const (
	Admin             = "admin"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
	NodeAgent         = "node"
	Front             = "front"
	MetricsServer     = "metrics-server"
)

func identities() []pki.Identity {
	local := []string{"127.0.0.1", "localhost"}
	return []pki.Identity{
		{Name: "apiserver", User: "kube-apiserver", Hosts: append(local, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.96.0.1")},
		{Name: "etcd", User: "etcd", Hosts: local},
		{Name: "etcd-client", User: "kube-apiserver"},
		{Name: "kubelet-client", User: "kube-apiserver-kubelet-client"},
		{Name: "kubelet", User: "sandbox-kubelet", Hosts: local},
		{Name: Admin, User: "sandbox-admin", Groups: []string{"system:masters"}},
		{Name: ControllerManager, User: "system:kube-controller-manager"},
		{Name: Scheduler, User: "system:kube-scheduler"},
		{Name: NodeAgent, User: "sandbox:node", Groups: []string{"sandbox:nodes"}},
		{Name: Front, User: "sandbox:front"},
		{Name: MetricsServer, User: metricsUser, Hosts: append(local, metricsService+"."+metricsNamespace+".svc")},
	}
}

// WriteCertificates makes everything the components need to trust each other.
func WriteCertificates(dir layout.Dir) error {
	ca, err := pki.NewAuthority(dir.PKI(""), "ca")
	if err != nil {
		return fmt.Errorf("make certificate authority: %w", err)
	}
	for _, id := range identities() {
		if err := ca.Issue(id); err != nil {
			return err
		}
	}
	// an authority of its own for aggregated APIs: were it the client
	// authority, any client certificate could claim to be any user
	proxy, err := pki.NewAuthority(dir.PKI(""), "front-proxy-ca")
	if err != nil {
		return fmt.Errorf("make front proxy authority: %w", err)
	}
	if err := proxy.Issue(pki.Identity{Name: "front-proxy-client", User: "front-proxy-client"}); err != nil {
		return err
	}
	return pki.WriteSigningKey(dir.PKI("service-account.key"))
}

// WriteKubeconfigs writes one kubeconfig for the user and one per component.
func WriteKubeconfigs(dir layout.Dir, cfg layout.Config) error {
	for _, name := range []string{Admin, ControllerManager, Scheduler, NodeAgent, Front, MetricsServer} {
		if err := writeKubeconfig(dir, cfg, name, dir.PKI(name+".kubeconfig")); err != nil {
			return fmt.Errorf("write kubeconfig of %s: %w", name, err)
		}
	}
	return writeKubeconfig(dir, cfg, Admin, dir.Kubeconfig())
}

// writeKubeconfig embeds the certificates: the file can be carried elsewhere.
func writeKubeconfig(dir layout.Dir, cfg layout.Config, identity, path string) error {
	kc := clientcmdapi.NewConfig()
	kc.Clusters["sandbox"] = &clientcmdapi.Cluster{Server: cfg.APIURL(), CertificateAuthority: dir.PKI("ca.crt")}
	kc.AuthInfos["sandbox-"+identity] = &clientcmdapi.AuthInfo{
		ClientCertificate: dir.PKI(identity + ".crt"),
		ClientKey:         dir.PKI(identity + ".key"),
	}
	kc.Contexts["sandbox"] = &clientcmdapi.Context{Cluster: "sandbox", AuthInfo: "sandbox-" + identity, Namespace: "default"}
	kc.CurrentContext = "sandbox"
	if err := clientcmdapi.FlattenConfig(kc); err != nil {
		return err
	}
	return clientcmd.WriteToFile(*kc, path)
}
