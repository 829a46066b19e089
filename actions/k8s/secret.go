package k8s

import (
	"context"
	"slices"

	"github.com/runbackhq/runback/actions"
)

// SecretValue reads one key of a Secret of the namespace. It is for those who
// give secrets to steps; no action shows what it gives.
func SecretValue(ctx context.Context, c *Cluster, name, key string) (string, error) {
	s, err := c.API.Secrets(c.Namespace).Get(ctx, name)
	if err != nil {
		return "", Explain(ctx, err, "reading Secret "+name)
	}
	value, ok := s.Data[key]
	if !ok {
		var have []string
		for k := range s.Data {
			have = append(have, k)
		}
		slices.Sort(have)
		return "", actions.Refuse("", "it has the keys %v", have)
	}
	return string(value), nil
}
