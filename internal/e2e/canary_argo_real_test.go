//go:build argorollouts

package e2e

import (
	"testing"

	"github.com/runbackhq/runback/internal/testargo"
	"github.com/runbackhq/runback/internal/testcluster"
)

// TestCanaryArgoWithTheRealController is what TestReleaseTools does with a
// controller that is played. The Ingress that it gives the weights to is not
// followed by the proxy of the sandbox: what customers see is left to the other.
func TestCanaryArgoWithTheRealController(t *testing.T) {
	env := testcluster.Up(t, "healthy", "--quiet", "--rate", "1")
	testargo.Install(t, env)
	canaryArgo(t, env, false, (*testargo.Rollout).RealCanary)
}
