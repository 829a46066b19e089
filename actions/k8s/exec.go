package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
)

// inPod is what both actions are told that run a program in a pod.
type inPod struct {
	pod.Choice
	Args  []string `json:"args" doc:"the program and its arguments, one item each; no shell splits or expands them, but the container must have one (sh), which proves how the program ended"`
	Codes []int    `json:"success_codes,omitempty" doc:"exit codes that mean success; without it only 0"`
}

// execOut is how a program in a pod ended.
type execOut struct {
	Pod       string `json:"pod" doc:"name of the pod that it ran in"`
	Container string `json:"container" doc:"name of the container"`
	ExitCode  int    `json:"exit_code" doc:"exit code"`
	Stdout    string `json:"stdout" doc:"end of what it wrote to standard output, 64 KiB at most"`
	Stderr    string `json:"stderr" doc:"end of what it wrote to standard error, in the same bounds"`
	Cut       bool   `json:"cut" doc:"whether it wrote more than that"`
}

func outOf(at pod.Ref, r pod.Result) execOut {
	return execOut{Pod: at.Pod, Container: at.Container, ExitCode: r.Code, Stdout: r.Stdout, Stderr: r.Stderr, Cut: r.Cut}
}

// ref finds the container, in the life that it is in now.
func (in inPod) ref(ctx context.Context, cl *Cluster) (pod.Ref, error) {
	if len(in.Args) == 0 || in.Args[0] == "" {
		return pod.Ref{}, actions.Invalid("write it like args: [pg_isready, -h, db-host]", "args name no program")
	}
	return cl.Pods().Find(ctx, in.Choice)
}

// judged turns the end of a program into outputs or an error.
func (in inPod) judged(at pod.Ref, r pod.Result) (execOut, error) {
	if slices.Contains(in.Codes, r.Code) || len(in.Codes) == 0 && r.Code == 0 {
		return outOf(at, r), nil
	}
	how := fmt.Sprintf("%s in pod %s exited with %d", filepath.Base(in.Args[0]), at.Pod, r.Code)
	if last := lastWords(r); last != "" {
		how += ": " + last
	}
	hint := ""
	if r.Code == 127 {
		hint = "the program is not in the image of container " + at.Container
	}
	return outOf(at, r), actions.Ended(hint, "%s", how)
}

func lastWords(r pod.Result) string {
	lines := strings.Split(strings.TrimSpace(cmp.Or(strings.TrimSpace(r.Stderr), r.Stdout)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// unproven explains an error of an exec. A connection that ended early is one
// that did not answer: the step waits, and asks what became of it.
func unproven(ctx context.Context, err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, actions.Cause(ctx, err))
	case errors.Is(err, pod.ErrGone), errors.Is(err, pod.ErrNoClaim):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, pod.ErrUnproven) && unanswered(err):
		return actions.Unreachable("%s: %w", doing, err)
	default:
		return explain(ctx, err, doing)
	}
}
