package k8s

import (
	"context"

	"github.com/runbackhq/runback/internal/pod"
)

// Pods gives the way into the pods of the namespace.
func (cl *Cluster) Pods() pod.Client {
	return pod.Client{Config: cl.config, API: cl.API, Namespace: cl.Namespace, Explain: explain, Missing: cl.missingNamed}
}

// missingNamed says of a kind by its name that there is no such object.
func (cl *Cluster) missingNamed(ctx context.Context, name, object string) error {
	k, err := cl.kindOf(ctx, name)
	if err != nil {
		return err
	}
	return cl.missing(ctx, k, object)
}
