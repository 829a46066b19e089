package k8s

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// What other programs are given leads to one cluster, with what the files said
// when the connection was made, and holds nothing of the others.
func TestKubeconfig(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config", `{apiVersion: v1, kind: Config, current-context: dev,
clusters: [{name: a, cluster: {server: "https://a:1"}}, {name: b, cluster: {server: "https://b:1"}}],
users: [{name: a, user: {token: token-a}}, {name: b, user: {token: token-b}}],
contexts: [{name: dev, context: {cluster: a, user: a}}, {name: prod, context: {cluster: b, user: b}}]}`)
	cl, err := Connect(t.Context(), Options{Kubeconfig: filepath.Join(dir, "config"), Context: "prod", Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	write("config", "gone")
	text, err := cl.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	got, err := clientcmd.Load(text)
	if err != nil || got.CurrentContext != "prod" || len(got.Contexts) != 1 || got.Contexts["prod"].Namespace != "shop" ||
		len(got.Clusters) != 1 || got.Clusters["b"].Server != "https://b:1" || got.AuthInfos["b"].Token != "token-b" {
		t.Errorf("%v %+v", err, got)
	}
	if strings.Contains(string(text), "token-a") {
		t.Error("it holds the credentials of another context")
	}
}
