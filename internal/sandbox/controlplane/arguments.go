package controlplane

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/runbackhq/runback/internal/sandbox/layout"
)

func apiServerArguments(dir layout.Dir, cfg layout.Config) []string {
	args := []string{
		"--etcd-servers=" + fmt.Sprintf("https://127.0.0.1:%d", cfg.EtcdClientPort()),
		"--etcd-cafile=" + dir.PKI("ca.crt"),
		"--etcd-certfile=" + dir.PKI("etcd-client.crt"),
		"--etcd-keyfile=" + dir.PKI("etcd-client.key"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(cfg.APIPort()),
		// never used, but without it the server looks for a route to the world
		"--advertise-address=192.0.2.1",
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + dir.PKI("apiserver.crt"),
		"--tls-private-key-file=" + dir.PKI("apiserver.key"),
		"--client-ca-file=" + dir.PKI("ca.crt"),
		"--anonymous-auth=false",
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + dir.PKI("service-account.key.pub"),
		"--service-account-signing-key-file=" + dir.PKI("service-account.key"),
		"--kubelet-certificate-authority=" + dir.PKI("ca.crt"),
		"--kubelet-client-certificate=" + dir.PKI("kubelet-client.crt"),
		"--kubelet-client-key=" + dir.PKI("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--profiling=false",
	}
	args = append(args, aggregationArguments(dir)...)
	return append(args, auditArguments(dir)...)
}

func aggregationArguments(dir layout.Dir) []string {
	return []string{
		"--requestheader-client-ca-file=" + dir.PKI("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + dir.PKI("front-proxy-client.crt"),
		"--proxy-client-key-file=" + dir.PKI("front-proxy-client.key"),
	}
}

func auditArguments(dir layout.Dir) []string {
	return []string{
		"--audit-policy-file=" + dir.Run("audit-policy.yaml"),
		"--audit-log-path=" + dir.AuditLog(),
		// written before the client gets its answer
		"--audit-log-mode=blocking",
		"--audit-log-maxsize=2000",
	}
}

// idleControllers need a cloud, volumes, or features that pods of ours have not.
func idleControllers() []string {
	return []string{
		"persistentvolume-binder-controller", "persistentvolume-attach-detach-controller",
		"persistentvolume-expander-controller", "persistentvolumeclaim-protection-controller",
		"persistentvolume-protection-controller", "ephemeral-volume-controller",
		"volumeattributesclass-protection-controller", "selinux-warning-controller",
		"resourceclaim-controller", "node-ipam-controller", "device-taint-eviction-controller",
		"certificatesigningrequest-signing-controller", "certificatesigningrequest-approving-controller",
		"certificatesigningrequest-cleaner-controller", "podcertificaterequest-cleaner-controller",
		"storageversion-garbage-collector-controller", "legacy-serviceaccount-token-cleaner-controller",
		"validatingadmissionpolicy-status-controller", "replicationcontroller-controller",
	}
}

func controllerManagerArguments(dir layout.Dir) []string {
	kubeconfig := dir.PKI(ControllerManager + ".kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		// every controller under its own name: that is what the audit log shows
		"--use-service-account-credentials=true",
		"--secure-port=0",
		"--root-ca-file=" + dir.PKI("ca.crt"),
		"--service-account-private-key-file=" + dir.PKI("service-account.key"),
		"--controllers=*,-" + strings.Join(idleControllers(), ",-"),
		"--kube-api-qps=300",
		"--kube-api-burst=400",
		"--node-monitor-period=2s",
		// shorter than a real cluster's, long enough for a busy machine
		"--node-monitor-grace-period=20s",
		"--concurrent-deployment-syncs=10",
		"--horizontal-pod-autoscaler-sync-period=5s",
		"--profiling=false",
	}
}

func schedulerArguments(dir layout.Dir) []string {
	kubeconfig := dir.PKI(Scheduler + ".kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=300",
		"--kube-api-burst=400",
		"--profiling=false",
	}
}
