package k8s

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/runbackhq/runback/actions"
)

func kubeconfig(t *testing.T, server string, contexts ...string) string {
	t.Helper()
	c := api.NewConfig()
	c.Clusters["c"] = &api.Cluster{Server: server}
	c.AuthInfos["u"] = &api.AuthInfo{Token: "t"}
	for _, name := range contexts {
		c.Contexts[name] = &api.Context{Cluster: "c", AuthInfo: "u", Namespace: "of-" + name}
		c.CurrentContext = name
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*c, file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestContextIsNeverTakenByAccident(t *testing.T) {
	one, two := kubeconfig(t, "https://x", "only"), kubeconfig(t, "https://x", "prod", "staging")
	for name, c := range map[string]struct {
		env  string
		o    Options
		want string // namespace, or words of the error
	}{
		"named":                   {"", Options{Kubeconfig: two, Context: "prod"}, "of-prod"},
		"named with namespace":    {"", Options{Kubeconfig: two, Context: "prod", Namespace: "web"}, "web"},
		"one in a named file":     {"", Options{Kubeconfig: one}, "of-only"},
		"one in $KUBECONFIG":      {one, Options{}, "of-only"},
		"several":                 {"", Options{Kubeconfig: two}, "error: there are: prod, staging"},
		"several in $KUBECONFIG":  {two, Options{}, "error: pass --context"},
		"misspelt":                {"", Options{Kubeconfig: two, Context: "prd"}, `error: did you mean "prod"?`},
		"no such file":            {"", Options{Kubeconfig: "/nowhere/config"}, "error: kubeconfig cannot be read"},
		"one in the default file": {"", Options{}, "error: no context was given"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", c.env)
			raw, err := os.ReadFile(one)
			if err != nil {
				t.Fatal(err)
			}
			var cl *Cluster
			if name == "one in the default file" {
				loaded, err := clientcmd.Load(raw)
				if err != nil {
					t.Fatal(err)
				}
				_, err = chooseContext(loaded, "", false)
				wantKind(t, err, actions.KindInvalid, strings.TrimPrefix(c.want, "error: "))
				return
			}
			cl, err = Connect(t.Context(), c.o)
			if words, bad := strings.CutPrefix(c.want, "error: "); bad {
				wantKind(t, err, actions.KindInvalid, words)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if cl.Namespace != c.want {
				t.Errorf("namespace is %s, want %s", cl.Namespace, c.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	gr := schema.GroupResource{Group: "apps", Resource: "deployments"}
	forbidden := apierrors.NewForbidden(gr, "app", errors.New(`User "eve" cannot patch resource "deployments" in API group "apps" in the namespace "web"`))
	status := func(code int32) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Message: http.StatusText(int(code))}}
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("budget of 2m is spent"))
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		kind actions.Kind
		says string
	}{
		"refused":      {t.Context(), &net.OpError{Op: "dial", Err: errors.New("connection refused")}, actions.KindUnreachable, "does not answer"},
		"timeout":      {t.Context(), fmt.Errorf("request: %w", context.DeadlineExceeded), actions.KindUnreachable, ""},
		"500":          {t.Context(), status(500), actions.KindUnreachable, ""},
		"503":          {t.Context(), status(503), actions.KindUnreachable, ""},
		"504":          {t.Context(), status(504), actions.KindUnreachable, ""},
		"429":          {t.Context(), status(429), actions.KindUnreachable, ""},
		"401":          {t.Context(), apierrors.NewUnauthorized("no"), actions.KindInvalid, "kubectl auth whoami"},
		"403":          {t.Context(), forbidden, actions.KindInvalid, "check with: kubectl auth can-i patch deployments.apps -n web"},
		"404":          {t.Context(), apierrors.NewNotFound(gr, "app"), actions.KindInvalid, ""},
		"409":          {t.Context(), apierrors.NewConflict(gr, "app", errors.New("x")), actions.KindConflict, ""},
		"wrong CA":     {t.Context(), x509.UnknownAuthorityError{}, actions.KindFailed, ""},
		"budget spent": {ended, context.Canceled, actions.KindFailed, "budget of 2m is spent"},
		"ours":         {t.Context(), actions.Refuse("", "no"), actions.KindRefused, "no"},
		"others":       {t.Context(), errors.New("odd"), actions.KindFailed, "doing it: odd"},
	} {
		t.Run(name, func(t *testing.T) { wantKind(t, explain(c.ctx, c.err, "doing it"), c.kind, c.says) })
	}
}

// An API server that takes the connection and never answers must not hold a
// step longer than its context allows.
func TestCancelledWhileTheServerHangs(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	cl, err := Connect(t.Context(), Options{Kubeconfig: kubeconfig(t, server.URL, "only")})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Actions(func(context.Context, actions.KubernetesTarget) (*Cluster, error) { return cl, nil }) {
		t.Run(a.Spec.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("step was cancelled"))
			defer cancel()
			c := &actions.Call{Key: "k", Wait: func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return context.Cause(ctx) }}
			began := time.Now()
			_, err := a.Prepare(ctx, c, example(t, a))
			if err == nil || a.Spec.Effect == actions.Observe {
				_, err = a.Run(ctx, c, example(t, a), []byte(`{"kind":{"name":"deployment","group":"apps","version":"v1","resource":"deployments"}}`))
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %s", took)
			}
			if err == nil || !strings.Contains(err.Error(), "step was cancelled") {
				t.Errorf("error is %v, want one that says who cancelled", err)
			}
		})
	}
}
