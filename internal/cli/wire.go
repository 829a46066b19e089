package cli

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/all"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/sqlite"
	"github.com/runbackhq/runback/internal/lock"
	"github.com/runbackhq/runback/internal/lock/kubelease"
	"github.com/runbackhq/runback/internal/process"
)

// clusters connects once for each context and namespace of a command, so that
// a kubeconfig that changes while a run goes on cannot redirect it.
type clusters struct {
	kubeconfig string
	wrap       func(http.RoundTripper) http.RoundTripper // may be nil
	mu         sync.Mutex
	open       map[actions.KubernetesTarget]*k8s.Cluster
}

func (c *clusters) connect(ctx context.Context, t actions.KubernetesTarget) (*k8s.Cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl, ok := c.open[t]; ok {
		return cl, nil
	}
	cl, err := k8s.Connect(ctx, k8s.Options{Kubeconfig: c.kubeconfig, Context: t.Context, Namespace: t.Namespace, Wrap: c.wrap})
	if err != nil {
		return nil, err
	}
	c.open[t] = cl
	return cl, nil
}

// Locks implements executor.World.
func (c *clusters) Locks(ctx context.Context, t actions.Target) ([]lock.Register, error) {
	if t.Kubernetes == (actions.KubernetesTarget{}) {
		return nil, nil
	}
	cl, err := c.connect(ctx, t.Kubernetes)
	if err != nil {
		return nil, err
	}
	leases := cl.API.Leases(cl.Namespace)
	return []lock.Register{kubelease.Lease{Leases: leases, Namespace: cl.Namespace, Now: time.Now, Explain: k8s.Explain}}, nil
}

// world wires the actions to the clusters that the flags name.
func (a *App) world() (*clusters, actions.Registry, error) {
	c := &clusters{kubeconfig: a.flags.kubeconfig, wrap: a.crash.wire(a), open: map[actions.KubernetesTarget]*k8s.Cluster{}}
	registry, err := all.Needs{Kube: c.connect, Children: a.childrenPath}.Registry()
	return c, registry, err
}

// runner makes a runner. The store may be nil for a plan, which writes
// nothing.
func (a *App) runner(store journal.Store, w executor.Watcher, stop <-chan struct{}) (*executor.Runner, error) {
	world, registry, err := a.world()
	if err != nil {
		return nil, err
	}
	return &executor.Runner{
		Registry: registry, Store: store, World: world, Vault: vault{a.Env, world}, Clock: executor.SystemClock(), Alive: process.Alive, Watch: w, Stop: stop,
		Who: executor.Who{User: userName(), Process: process.Self(), Tool: version()},
	}, nil
}

// storePath is where journals are kept: $XDG_STATE_HOME/runback/runback.db.
func (a *App) storePath() (string, error) {
	dir := a.Env("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // a relative one is to be ignored, the XDG specification says
		home := a.Env("HOME")
		if home == "" {
			return "", &exitError{code: exitStore, hint: "set XDG_STATE_HOME to a folder for the journals", err: errors.New("neither XDG_STATE_HOME nor HOME is set")}
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "runback", "runback.db"), nil
}

// childrenPath is where child processes are recorded, beside the journals: who
// has one has the other.
func (a *App) childrenPath() (string, error) {
	file, err := a.storePath()
	if err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join(filepath.Dir(file), "children"))
}

func (a *App) openStore(ctx context.Context) (journal.Store, error) {
	file, err := a.storePath()
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(ctx, file)
	if err != nil {
		return nil, &exitError{code: exitStore, hint: "a run is not started without a journal; set XDG_STATE_HOME to a folder that can be written", err: err}
	}
	return a.crash.store(a, s), nil
}

// newRunID makes a short random id that reads well aloud.
func newRunID() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails, its documentation says
	return "r-" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

// target gives the resolved target and who it is.
func (a *App) target(ctx context.Context, r *executor.Runner, p *executor.Program, inputs map[string]any, of project) (actions.Target, journal.Identity, error) {
	t, err := p.Target(inputs, executor.Override{Context: a.flags.context, Namespace: a.flags.namespace})
	if err != nil {
		return t, nil, err
	}
	if usesCluster(p) {
		of.complete(&t.Kubernetes)
	}
	if t.Kubernetes == (actions.KubernetesTarget{}) && usesCluster(p) {
		// A playbook without a target acts where the kubeconfig leads; that is
		// a target all the same, to be shown, locked and held to.
		if t.Kubernetes, err = a.reached(ctx, r); err != nil {
			return t, nil, err
		}
	}
	id, err := r.Pin(ctx, t)
	if err != nil {
		return t, nil, err
	}
	return executor.Bound(t, id), id, nil
}

// reached says where the kubeconfig leads when nobody says where to go.
func (a *App) reached(ctx context.Context, r *executor.Runner) (actions.KubernetesTarget, error) {
	c, ok := r.World.(*clusters)
	if !ok {
		return actions.KubernetesTarget{}, fmt.Errorf("no way to a cluster from %T", r.World)
	}
	cl, err := c.connect(ctx, actions.KubernetesTarget{})
	if err != nil {
		return actions.KubernetesTarget{}, err
	}
	return actions.KubernetesTarget{Context: cl.Context(), Namespace: cl.Namespace}, nil
}

func usesCluster(p *executor.Program) bool {
	uses := false
	p.Walk(func(n *executor.Node, _ string, _ int) {
		uses = uses || strings.HasPrefix(n.Step.Uses, "k8s.") || strings.HasPrefix(n.Step.Uses, "helm.")
	})
	return uses
}

func parseSets(sets []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range sets {
		k, v, ok := strings.Cut(s, "=")
		if !ok || k == "" {
			return nil, usage("write it as --set name=value", fmt.Sprintf("--set %q has no value", s))
		}
		if _, twice := out[k]; twice {
			return nil, usage("give it once", fmt.Sprintf("--set %s is given twice", k))
		}
		out[k] = v
	}
	return out, nil
}
