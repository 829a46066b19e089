package k8s

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
)

type podLookIn struct{ inPod }

type podLook struct{ family }

func lookAction(f family) actions.Action {
	return actions.Define(actions.Def[podLookIn, pod.Ref, execOut]{
		Name:    "k8s.look",
		Summary: "Run a program in a pod that only looks, as pg_isready does; a plan does not run it.",
		Effect:  actions.Observe,
		Prepare: func(ctx context.Context, c *actions.Call, in podLookIn) (pod.Ref, error) {
			cl, err := f.cluster(ctx, c)
			if err != nil {
				return pod.Ref{}, err
			}
			return in.ref(ctx, cl)
		},
		Preview: func(_ context.Context, _ *actions.Call, in podLookIn, at pod.Ref) (actions.Preview, error) {
			return previewIn(in.inPod, at), nil
		},
		Run:  podLook{f}.run,
		Tell: tellExec,
		Examples: []actions.Example{
			{Title: "Can the application reach its database?", YAML: "uses: k8s.look\nwith: {deployment: app-stable, args: [pg_isready, -h, db-host]}"},
			{Title: "Ask one pod for a file", YAML: "uses: k8s.look\nwith: {pod: app-pod, container: app, args: [cat, /etc/app/version]}\nexpect: outputs.stdout startsWith \"1.4\""},
		},
	})
}

func previewIn(in inPod, at pod.Ref) actions.Preview {
	return actions.Preview{
		Label: actions.Opaque, Summary: "runs " + actions.Quoted(in.Args), Object: "pod/" + at.Pod,
		Notes: []string{"in container " + at.Container},
	}
}

func tellExec(o execOut) string {
	said := fmt.Sprintf("exit code %d in %s", o.ExitCode, o.Pod)
	if last := lastWords(pod.Result{Stdout: o.Stdout, Stderr: o.Stderr}); last != "" {
		said += ", " + last
	}
	return said
}

// run asks again where a connection ended early: asking changes nothing.
func (a podLook) run(ctx context.Context, c *actions.Call, in podLookIn, at pod.Ref) (execOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return execOut{}, err
	}
	r, err := cl.Pods().Exec(ctx, at, in.Args, nil)
	if err != nil {
		return execOut{}, unproven(ctx, err, "asking pod "+at.Pod)
	}
	out, err := in.judged(at, r)
	if actions.KindOf(err) == actions.KindEnded {
		err = errors.New(err.Error()) // of a look, an end that is bad is a plain failure
	}
	return out, err
}
