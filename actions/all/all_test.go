package all_test

import (
	"context"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/all"
	"github.com/runbackhq/runback/actions/k8s"
)

// hanging is a cluster that never answers.
func hanging(ctx context.Context, _ actions.KubernetesTarget) (*k8s.Cluster, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestRegistry(t *testing.T) {
	reg, err := all.Registry(hanging)
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}
