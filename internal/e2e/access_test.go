package e2e

import (
	"context"
	"path/filepath"
	"testing"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/runbackhq/runback/internal/testcluster"
)

// kubeconfig writes a kubeconfig of the sandbox with one thing changed.
func kubeconfig(t testing.TB, env *testcluster.Env, change func(*api.Cluster, *api.AuthInfo)) string {
	t.Helper()
	cfg, err := clientcmd.LoadFromFile(env.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cfg.Clusters {
		for _, u := range cfg.AuthInfos {
			change(c, u)
		}
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// withToken logs in with a token and nothing else.
func withToken(token string) func(*api.Cluster, *api.AuthInfo) {
	return func(_ *api.Cluster, u *api.AuthInfo) { *u = api.AuthInfo{Token: token} }
}

func nowhere(c *api.Cluster, _ *api.AuthInfo) { c.Server = "https://127.0.0.1:1" }

// stranger gives a token that the cluster knows and that may do nothing.
func (w *world) stranger() string {
	w.t.Helper()
	ctx := context.Background()
	accounts := w.core.CoreV1().ServiceAccounts("default")
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "stranger"}}, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	tr, err := accounts.CreateToken(ctx, "stranger", &authv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return tr.Status.Token
}

// TestNoWayIn: a cluster that does not answer, that does not know us, or that
// does not let us. One message says what, where and what to do next; the exit
// code is right; nothing is changed and nothing is waited for without end.
func TestNoWayIn(t *testing.T) {
	env := testcluster.Up(t, "canary")
	w := newWorld(t, env)
	for name, tc := range map[string]struct {
		kube string
		code int
		says []string
	}{
		"unreachable":         {kubeconfig(t, env, nowhere), 1, []string{"127.0.0.1:1", "hint: "}},
		"expired credentials": {kubeconfig(t, env, withToken("expired")), 3, []string{"hint: "}},
		"missing permission":  {kubeconfig(t, env, withToken(w.stranger())), 3, []string{"forbidden", "hint: "}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, env)
			p.kube = tc.kube
			for _, args := range [][]string{{"plan", "canary"}, {"run", "canary", "--yes", "--reason", "test"}} {
				res := p.run(args...)
				if res.code != tc.code {
					t.Errorf("%v: exit code %d, want %d", args, res.code, tc.code)
				}
				for _, part := range tc.says {
					contains(t, res.err, part)
				}
				t.Log(res.err)
			}
		})
	}
	if n := len(w.writes("default")); n > 1 { // the account of the stranger is the test's
		t.Errorf("%d writes", n)
	}
}
