package k8s

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync"

	authn "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/runbackhq/runback/actions"
)

// Identity says which cluster and namespace are reached, and as whom. The name
// of a context proves none of it.
type Identity struct {
	Server       string `json:"server"`        // URL of the API server
	CASHA256     string `json:"ca_sha256"`     // of the certificate authority that it is trusted by
	Cluster      string `json:"cluster"`       // UID of the namespace kube-system, which lives as long as the cluster
	Version      string `json:"version"`       // of the API server
	Context      string `json:"context"`       // of the kubeconfig
	Namespace    string `json:"namespace"`     // where actions act
	NamespaceUID string `json:"namespace_uid"` // changes when the namespace is made anew
	User         string `json:"user"`          // as the API server sees us
}

// Identity asks the cluster who it is.
func (cl *Cluster) Identity(ctx context.Context) (Identity, error) {
	id := Identity{Server: cl.config.Host, Context: cl.context, Namespace: cl.Namespace}
	var err error
	if id.CASHA256, err = caDigest(cl.config); err != nil {
		return id, err
	}
	questions := []func() error{ // in the order in which an error counts
		func() (err error) { id.Cluster, err = cl.namespaceUID(ctx, metav1.NamespaceSystem); return err },
		func() (err error) { id.NamespaceUID, err = cl.namespaceUID(ctx, cl.Namespace); return err },
		func() (err error) { id.Version, err = cl.serverVersion(ctx); return err },
		func() (err error) { id.User, err = cl.user(ctx); return err },
	}
	found := make([]error, len(questions))
	var all sync.WaitGroup
	for i, ask := range questions {
		all.Go(func() { found[i] = ask() })
	}
	all.Wait()
	for _, err := range found {
		if err != nil {
			return id, err
		}
	}
	return id, nil
}

func (cl *Cluster) user(ctx context.Context) (string, error) {
	review, err := cl.API.Reviews().Create(ctx, &authn.SelfSubjectReview{}, "")
	if err != nil {
		return "", explain(ctx, err, "asking the API server who we are")
	}
	return review.Status.UserInfo.Username, nil
}

func (cl *Cluster) namespaceUID(ctx context.Context, name string) (string, error) {
	ns, err := cl.API.Namespaces().Get(ctx, name)
	switch {
	case apierrors.IsForbidden(err):
		return "", actions.Invalid(fmt.Sprintf("grant get on it; check with: kubectl auth can-i get namespaces/%s", name),
			"namespace %s may not be read, so the cluster cannot be told from another one: %w", name, err)
	case apierrors.IsNotFound(err):
		return "", actions.Invalid("list them with: kubectl get namespaces", "no namespace %q in the cluster at %s", name, cl.config.Host)
	case err != nil:
		return "", explain(ctx, err, "reading namespace "+name)
	}
	return string(ns.UID), nil
}

func (cl *Cluster) serverVersion(ctx context.Context) (string, error) {
	raw, err := cl.API.REST.Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return "", explain(ctx, err, "asking for the version of the API server")
	}
	var v struct{ GitVersion string }
	if err := decode(raw, &v); err != nil {
		return "", fmt.Errorf("version of the API server: %w", err)
	}
	return v.GitVersion, nil
}

// caDigest tells two clusters apart that answer at the same address.
func caDigest(c *rest.Config) (string, error) {
	data := c.CAData
	if len(data) == 0 && c.CAFile != "" {
		var err error
		if data, err = os.ReadFile(c.CAFile); err != nil {
			return "", actions.Invalid("", "certificate authority of the cluster cannot be read: %w", err)
		}
	}
	if len(data) == 0 {
		return "", nil // trusted by the system's authorities
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
