package alembic

import (
	"context"
	"errors"
	"path"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// host gives the machine that was settled on.
func (f family) host(ctx context.Context, c *actions.Call, at *pod.Ref) (host, error) {
	if at == nil {
		return local{f.room}, nil
	}
	pods, err := f.client(ctx, c)
	return inPod{pods, *at}, err
}

func (f family) client(ctx context.Context, c *actions.Call) (pod.Client, error) {
	if c.Target.Kubernetes == (actions.KubernetesTarget{}) {
		return pod.Client{}, actions.Invalid("name the namespace under target: kubernetes: {namespace: shop}", "alembic shall run in a pod, and the target has no namespace")
	}
	pods, err := f.pods(ctx, c.Target.Kubernetes)
	pods.Most = mostAnswer
	return pods, err
}

// settle finds where a project is: in a pod when the step names one.
func (f family) settle(ctx context.Context, c *actions.Call, p project) (host, place, error) {
	var h host = local{f.room}
	if !p.IsZero() {
		pods, err := f.client(ctx, c)
		if err != nil {
			return nil, place{}, err
		}
		ref, err := pods.Find(ctx, p.Choice)
		if err != nil {
			return nil, place{}, err
		}
		h = inPod{pods, ref}
	}
	at, err := h.settle(ctx, p)
	return h, at, err
}

// inPod is a container that has the project, its alembic and its way to the
// database. Nothing of the surroundings is given to it: the settings of each
// session come with the order, and who the database is is proved there as here.
type inPod struct {
	pods pod.Client
	at   pod.Ref
}

// claims is where attempts are recorded in the container.
const claims = "/tmp"

func (h inPod) settle(_ context.Context, p project) (place, error) {
	at := place{Python: tool.Program{Path: "python3"}, Dir: p.Dir, Config: p.Config, Pod: &h.at}
	if p.Python != "" {
		at.Python.Path = p.Python
	}
	if !path.IsAbs(at.Config) {
		at.Config = path.Join(at.Dir, at.Config)
	}
	return at, nil
}

// enter runs the driver in the folder of the project.
func enter(o tool.Order) []string {
	return append([]string{"sh", "-c", `cd "$1" && shift && PYTHONDONTWRITEBYTECODE=1 exec "$@"`, "sh", o.Dir}, o.Args...)
}

func (h inPod) observe(ctx context.Context, _ *actions.Call, o tool.Order) (ended, error) {
	r, err := h.pods.Exec(ctx, h.at, enter(o), o.Stdin)
	if err != nil {
		return ended{}, h.pods.Explain(ctx, err, "running alembic in pod "+h.at.Pod)
	}
	return told(pod.Exited, r), nil
}

func (h inPod) job(j tool.Job) pod.Job {
	return pod.Job{Ref: h.at, Claim: path.Join(claims, ".runback-"+j.Child)}
}

func (h inPod) do(ctx context.Context, c *actions.Call, j tool.Job, o tool.Order, instead string) (ended, error) {
	job := h.job(j)
	if instead != "" {
		if _, r, err := h.pods.Look(ctx, job); err == nil && r.Claim == instead {
			if err := h.pods.GiveUp(ctx, job); err != nil {
				return ended{}, h.pods.Explain(ctx, err, "beginning alembic anew in pod "+h.at.Pod)
			}
		}
	}
	st, r, err := h.pods.Do(ctx, job, enter(o), o.Stdin, c.Wait)
	if err != nil {
		return ended{}, h.pods.Explain(ctx, err, "running alembic in pod "+h.at.Pod)
	}
	return told(st, r), nil
}

// look takes a container that is gone for a child that is lost: it went with it,
// and what it did is for the database to say.
func (h inPod) look(ctx context.Context, j tool.Job) (ended, error) {
	st, r, err := h.pods.Look(ctx, h.job(j))
	if errors.Is(err, pod.ErrGone) {
		return ended{state: supervise.Lost, dir: "pod " + h.at.Pod + ", which is gone"}, nil
	}
	if err != nil {
		return ended{}, h.pods.Explain(ctx, err, "asking pod "+h.at.Pod)
	}
	return told(st, r), nil
}

// told turns what is known of a program in a pod into what is known of a child.
func told(st pod.State, r pod.Result) ended {
	states := map[pod.State]supervise.State{pod.NotStarted: supervise.NotStarted, pod.Running: supervise.Running, pod.Exited: supervise.Exited, pod.Lost: supervise.Lost}
	return ended{state: states[st], code: r.Code, stdout: r.Stdout, stderr: r.Stderr, dir: r.Claim}
}
