package k8s

import (
	"errors"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig writes a kubeconfig that leads here and nowhere else, for programs
// that connect by themselves: one context with its cluster, user and namespace,
// as they were when this connection was made. It holds credentials, so it is
// handed over in memory and kept nowhere.
func (cl *Cluster) Kubeconfig() ([]byte, error) {
	if cl.said == nil {
		return nil, errors.New("this connection was not made from a kubeconfig")
	}
	only := cl.said.DeepCopy()
	only.CurrentContext = cl.context
	if err := api.MinifyConfig(only); err != nil {
		return nil, fmt.Errorf("kubeconfig of context %q: %w", cl.context, err)
	}
	// Files are read now: the program may run where a relative path leads nowhere.
	if err := api.FlattenConfig(only); err != nil {
		return nil, fmt.Errorf("kubeconfig of context %q: %w", cl.context, err)
	}
	only.Contexts[cl.context].Namespace = cl.Namespace
	return clientcmd.Write(*only)
}
