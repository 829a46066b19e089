package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/schema"
)

// maxSecret bounds a file with a secret: a larger one is no secret.
const maxSecret = 64 << 10

// vault reads secrets from where a playbook says that they are.
type vault struct {
	env      func(string) string
	clusters *clusters
}

// Secret implements executor.Vault.
func (v vault) Secret(ctx context.Context, t actions.Target, s schema.SecretSource) (string, error) {
	switch {
	case s.Env != "":
		if value := v.env(s.Env); value != "" {
			return value, nil
		}
		return "", actions.Refuse("set it in the environment of runback", "the variable is not set")
	case s.File != "":
		return fromFile(s.File)
	case s.Kubernetes != nil:
		cl, err := v.clusters.connect(ctx, t.Kubernetes)
		if err != nil {
			return "", err
		}
		return k8s.SecretValue(ctx, cl, s.Kubernetes.Secret, s.Kubernetes.Key)
	default:
		return "", errors.New("nothing says where it is")
	}
}

func fromFile(path string) (value string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", actions.Refuse("", "%w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", actions.Refuse("", "%w", err)
	}
	if len(b) > maxSecret {
		return "", actions.Refuse("", "it has more than %d bytes", maxSecret)
	}
	value = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return value, nil
}
