package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/terraform"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/pg"
)

// Identify implements executor.World.
func (c *clusters) Identify(ctx context.Context, t actions.Target) (journal.Identity, error) {
	out := journal.Identity{}
	if err := c.identifyCluster(ctx, t.Kubernetes, out); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(t.Databases)) {
		id, err := pg.Identify(ctx, name, t.Databases[name])
		if err != nil {
			return nil, fmt.Errorf("database %s: %w", name, err)
		}
		maps.Copy(out, id)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Terraform)) {
		id, err := terraform.Identify(ctx, name, t.Terraform[name])
		if err != nil {
			return nil, fmt.Errorf("terraform %s: %w", name, err)
		}
		maps.Copy(out, id)
	}
	return out, nil
}

func (c *clusters) identifyCluster(ctx context.Context, t actions.KubernetesTarget, into journal.Identity) error {
	if t == (actions.KubernetesTarget{}) {
		return nil // the playbook acts on no cluster
	}
	cl, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	id, err := cl.Identity(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, &into)
}
