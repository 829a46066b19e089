package helm

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

var versionText = regexp.MustCompile(`^v([0-9]{1,4})\.[0-9]+[0-9A-Za-z.+-]*$`)

// version asks helm for its version; it connects to nothing for that.
func (f family) version(ctx context.Context, c *actions.Call, p tool.Program) (string, error) {
	text, how := "", ""
	o := tool.Order{Program: p, Args: []string{"helm", "version", "--template", "{{.Version}}"}, Dir: "/", Env: tool.Minimal(nil), Quiet: true}
	err := f.room.Observe(ctx, c, o, func(e tool.End) {
		if text, _ = e.Stdout(1 << 10); !e.Success() {
			how = e.How(p.Path)
		}
	})
	switch {
	case err != nil:
		return "", err
	case how != "":
		return "", fmt.Errorf("version of helm: %s", how)
	case major(text) < 3:
		return "", actions.Invalid("Helm 3 and 4 are known", "%s says that its version is %q", p.Path, clip(text))
	default:
		return text, nil
	}
}

// major gives the first number of a version, 0 when it is none.
func major(version string) int {
	m := versionText.FindStringSubmatch(version)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// order is the rollback as it is given to helm. The revision is always named, for
// 0 is another one after a crash. Nothing of the history is dropped meanwhile:
// what is undone goes back to it.
func (st prepared) order(cl Cluster, in rollbackIn, key string) (tool.Order, error) {
	if st.To.Number < 1 {
		return tool.Order{}, actions.Invalid("", "what was prepared names no revision")
	}
	kubeconfig, err := cl.Kubeconfig()
	if err != nil {
		return tool.Order{}, actions.Invalid("", "%w", err)
	}
	args := []string{
		"helm", "rollback", st.Release, strconv.Itoa(st.To.Number),
		"--kubeconfig", supervise.SecretPath, "--kube-context", cl.Context, "--namespace", cl.Namespace,
		"--timeout", in.Timeout.Std().String(), "--history-max", "0",
	}
	if in.Wait {
		args = append(args, "--wait")
	}
	if in.CleanupOnFail {
		args = append(args, "--cleanup-on-fail")
	}
	if major(st.Version) >= 4 {
		args = append(args, "--description", describe(st.To.Number, key))
	}
	return tool.Order{Program: st.Program, Args: args, Dir: "/", Env: environment(), Secret: kubeconfig}, nil
}

// environment is ours without what would lead helm elsewhere. What a credential
// plugin of the kubeconfig needs stays.
func environment() []string {
	return tool.Environment(map[string]string{"HELM_DRIVER": "secret"}, "HELM_KUBE", "HELM_NAMESPACE", "HELM_MAX_HISTORY", "HELM_DEBUG", "KUBECONFIG")
}
