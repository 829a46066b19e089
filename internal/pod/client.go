package pod

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kubeapi"
)

// Client reaches the pods of a namespace.
type Client struct {
	Config    *rest.Config
	API       *kubeapi.Client
	Namespace string
	// Explain gives an error of a request its kind.
	Explain func(ctx context.Context, err error, doing string) error
	// Missing says that there is no object of that kind and name; nil leaves it
	// to Explain.
	Missing func(ctx context.Context, kind, name string) error
	// Most bounds what is kept of an output, in bytes; 0 is 64 KiB.
	Most int
}

// Connector gives the pods of the namespace that a target names.
type Connector func(ctx context.Context, t actions.KubernetesTarget) (Client, error)

// Ref names one life of one container: a pod of the same name, or the same
// container started anew, is another one.
type Ref struct {
	Pod         string `json:"pod"`
	UID         string `json:"uid"`
	Container   string `json:"container"`
	ContainerID string `json:"container_id"`
}

// Result is how an exec ended.
type Result struct {
	Stdout, Stderr string
	Cut            bool // whether the outputs are not all that was written
	Code           int
	Told           bool   // of a job: whether it was told to end, by a stop or at the end of its time
	Claim          string // of a job: the directory of the attempt that it tells of
}

// ErrUnproven says that an exec ended without its last line: nobody can tell
// whether, and how, the program ended.
var ErrUnproven = errors.New("the connection ended before the program was seen to end")

// DefaultMost bounds what is kept of an output.
const DefaultMost = 64 << 10

// wrapper runs its arguments and proves its end. The nonce is in the line so
// that no output of the program can be taken for it.
const wrapper = `n=$1; shift; "$@"; rc=$?; printf '\n%s:%s\n' "$n" "$rc"`

// Exec runs a program and waits for its end; it needs a shell in the
// container. An ErrUnproven comes with whatever was read.
func (c Client) Exec(ctx context.Context, at Ref, args []string, stdin []byte) (Result, error) {
	nonce := "runback-" + rand.Text()
	out, errs := &kept{most: cmp.Or(c.Most, DefaultMost)}, &kept{most: DefaultMost}
	err := c.stream(ctx, at, append([]string{"sh", "-c", wrapper, "sh", nonce}, args...), stdin, out, errs)
	said, cut := out.take()
	complained, cutToo := errs.take()
	text, code, proven := strings.Cut(said, "\n"+nonce+":")
	r := Result{Stdout: text, Stderr: complained, Cut: cut || cutToo}
	if proven {
		if r.Code, err = strconv.Atoi(strings.TrimSpace(code)); err == nil {
			return r, nil
		}
	}
	if err == nil {
		return r, ErrUnproven
	}
	return r, fmt.Errorf("%w: %w", ErrUnproven, err)
}

// stream runs one exec. WebSockets come first, and SPDY only where they are
// not understood, as kubectl does it: a failed upgrade has started nothing.
func (c Client) stream(ctx context.Context, at Ref, args []string, stdin []byte, out, errs io.Writer) error {
	req := c.API.Pods(c.Namespace).Stream(at.Pod, "exec").
		Param("container", at.Container).Param("stdout", "true").Param("stderr", "true")
	if len(stdin) > 0 {
		req.Param("stdin", "true")
	}
	for _, a := range args {
		req.Param("command", a)
	}
	spdy, err := remotecommand.NewSPDYExecutor(c.Config, "POST", req.URL())
	if err != nil {
		return err
	}
	socket, err := remotecommand.NewWebSocketExecutor(c.Config, "GET", req.URL().String())
	if err != nil {
		return err
	}
	both, err := remotecommand.NewFallbackExecutor(socket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return err
	}
	opts := remotecommand.StreamOptions{Stdout: out, Stderr: errs}
	if len(stdin) > 0 {
		opts.Stdin = bytes.NewReader(stdin)
	}
	// The error says what became of the connection; a log would be written across
	// the screen.
	return both.StreamWithContext(klog.NewContext(ctx, klog.Logger{}), opts)
}
