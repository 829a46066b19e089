package k8s

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// requestTimeout bounds each request, so that an API server that accepts a
// connection and never answers is noticed.
const requestTimeout = 10 * time.Second

// Options say which cluster and namespace.
type Options struct {
	Kubeconfig string // path; "" means $KUBECONFIG, or kubectl's default file
	Context    string // name; "" only where there is nothing to choose
	Namespace  string // "" means the one of the context
	// Wrap stands around every request, for those who watch or disturb them.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Connect reads the kubeconfig and makes the clients of a cluster. What the
// kubeconfig said is kept: a later change of it does not redirect a run. It
// asks the API server nothing.
func Connect(_ context.Context, o Options) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	raw, err := rules.Load()
	if err != nil {
		return nil, actions.Invalid("name the file with --kubeconfig", "kubeconfig cannot be read: %w", err)
	}
	named := o.Kubeconfig != "" || os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != ""
	if len(raw.Contexts) == 0 {
		return nil, actions.Invalid("name a kubeconfig with --kubeconfig", "no context was found in: %s", strings.Join(looked(rules.GetLoadingPrecedence()), ", "))
	}
	name, err := chooseContext(raw, o.Context, named)
	if err != nil {
		return nil, err
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: name}
	overrides.Context.Namespace = o.Namespace
	loaded := clientcmd.NewNonInteractiveClientConfig(*raw, name, overrides, rules)
	config, err := loaded.ClientConfig()
	if err != nil {
		return nil, actions.Invalid("look at: kubectl config view --context "+name, "context %q cannot be used: %w", name, err)
	}
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return nil, fmt.Errorf("namespace of context %q: %w", name, err)
	}
	config = tune(config)
	if o.Wrap != nil {
		config.Wrap(o.Wrap)
	}
	cl, err := newCluster(config, name, namespace)
	if err == nil {
		cl.said = raw
	}
	return cl, err
}

// looked tells of each file that was looked into whether it is there.
func looked(files []string) []string {
	var out []string
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			f += " (it is not there)"
		}
		out = append(out, f)
	}
	return out
}

// chooseContext never takes the current context: it is whatever somebody used
// last, in another window, and rolling back the wrong cluster is how that ends.
func chooseContext(raw *api.Config, wanted string, named bool) (string, error) {
	known := slices.Sorted(maps.Keys(raw.Contexts))
	switch {
	case wanted == "" && named && len(known) == 1:
		return known[0], nil
	case wanted == "":
		return "", actions.Invalid("pass --context NAME",
			"no context was given, and the current one is never used by accident; there are: %s", strings.Join(known, ", "))
	case raw.Contexts[wanted] == nil:
		hint := schema.DidYouMean(wanted, known)
		if hint == "" {
			hint = "pass --context with one of: " + strings.Join(known, ", ")
		}
		return "", actions.Invalid(hint, "no context %q in the kubeconfig", wanted)
	}
	return wanted, nil
}

// tune sets limits that let a run be quick without adding to the load of an
// API server that may be in trouble already.
func tune(c *rest.Config) *rest.Config {
	c = rest.CopyConfig(c)
	c.RateLimiter = newPatient(requestRate, requestBurst)
	c.Timeout = requestTimeout
	c.UserAgent = "runback/" + version()
	c.WarningHandler = rest.NoWarnings{}
	return c
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
