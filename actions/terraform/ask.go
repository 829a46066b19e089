package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/runbackhq/runback/actions"
)

// snapshot is what identifies a state.
type snapshot struct {
	Serial  int    `json:"serial"`
	Lineage string `json:"lineage"` // "" where there is none yet
}

// pull reads the state without its lock. It is not done with terraform-exec,
// which takes TF_WORKSPACE away from its children: the workspace would be the
// one that somebody selected last.
func (s site) pull(ctx context.Context) (snapshot, error) {
	var snap snapshot
	out, err := s.ask(ctx, "state", "pull")
	if err != nil {
		return snap, err
	}
	if out = document(out); len(out) == 0 {
		return snap, nil
	}
	if err := json.Unmarshal(out, &snap); err != nil {
		return snap, fmt.Errorf("state cannot be read: %w", errors.New("it is no JSON")) // the cause may quote it
	}
	return snap, nil
}

// known says whether the workspace exists. It is asked before anything else: a
// command that meets TF_WORKSPACE with a name that is not there makes it, even
// `state pull`, and then plans to create everything once more.
func (s site) known(ctx context.Context) error {
	if s.Workspace == "default" {
		return nil
	}
	if info, err := os.Stat(filepath.Join(s.Home, "terraform.tfstate.d", s.Workspace)); err == nil && info.IsDir() && len(s.of(s.Home).backend().Config) == 0 && s.of(s.Home).local() {
		return nil // what the local back end itself goes by
	}
	tf, err := s.exec()
	if err != nil {
		return err
	}
	all, _, err := tf.WorkspaceList(ctx)
	if err != nil {
		return s.explain(ctx, err.Error(), "listing the workspaces")
	}
	if slices.Contains(all, s.Workspace) {
		return nil
	}
	return actions.Invalid("see: "+s.name()+" -chdir="+s.Home+" workspace list", "workspace %q does not exist; there are: %s", s.Workspace, strings.Join(all, ", "))
}

// exec gives terraform-exec for what only looks and needs no workspace.
func (s site) exec() (*tfexec.Terraform, error) {
	tf, err := tfexec.NewTerraform(s.Dir, s.Program.Path)
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, kv := range s.environment() {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	return tf, tf.SetEnv(tfexec.CleanEnv(env))
}

// version asks the program for its version. OpenTofu names it as terraform does.
func (s site) version(ctx context.Context) (string, error) {
	var v struct {
		Version string `json:"terraform_version"`
	}
	out, err := s.ask(ctx, "version", "-json")
	if err == nil {
		err = json.Unmarshal(document(out), &v)
	}
	if err == nil && v.Version == "" {
		err = errors.New("it names none")
	}
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", s.Program.Path, err)
	}
	return v.Version, nil
}

// document gives the JSON in what a program wrote; empty when there is none.
// OpenTofu writes warnings about its own configuration before it, to the same
// output (seen with 1.12.6).
func document(out []byte) []byte {
	if bytes.HasPrefix(out, []byte("{")) {
		return out
	}
	if i := bytes.Index(out, []byte("\n{")); i >= 0 {
		return out[i+1:]
	}
	return nil
}

// askWait is how long a look that was cut short has to end.
const askWait = 500 * time.Millisecond

// ask runs what takes no lock and changes nothing, and gives what it wrote.
func (s site) ask(ctx context.Context, args ...string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, s.Program.Path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = s.Dir, s.environment(), &out, &said, askWait
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		if said.Len() == 0 {
			said.WriteString(err.Error())
		}
		return nil, s.explain(ctx, said.String(), s.name()+" "+strings.Join(args[:min(2, len(args))], " "))
	}
	return out.Bytes(), nil
}

// unanswered is how the network says that a back end does not answer.
var unanswered = lazily(`connection refused|no such host|i/o timeout|TLS handshake timeout|connection reset|network is unreachable|no route to host|giving up after|unexpected EOF|response code 50[234]|status code: 50[234]`)

// explain turns what the program said into an error of a known kind.
func (s site) explain(ctx context.Context, said, doing string) error {
	what := fmt.Errorf("%s: %s", doing, reason(said))
	switch {
	case ctx.Err() != nil:
		return actions.Cause(ctx, what)
	case unanswered().MatchString(said):
		return &actions.Error{Kind: actions.KindUnreachable, Err: what}
	default:
		return what
	}
}

var frame = lazily(`(?m)^[│╷╵ ]+|\x1b\[[0-9;]*m`)

// mostReason keeps a message readable.
const mostReason = 400

// reason takes the message out of the frame that terraform draws around it.
func reason(said string) string {
	text := frame().ReplaceAllString(strings.ToValidUTF8(said, "\ufffd"), "")
	if _, after, found := strings.Cut(text, "Error: "); found {
		text = after
	}
	return short(strings.Join(strings.Fields(text), " "))
}

func short(text string) string {
	if r := []rune(text); len(r) > mostReason {
		return string(r[:mostReason]) + "…"
	}
	return text
}
