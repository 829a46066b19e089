package k8s

import (
	"context"
	"errors"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
)

type execIn struct {
	inPod
	ClaimDir   string   `json:"claim_dir" default:"/tmp" doc:"folder of the container in which the run of the program is recorded; it must be writable"`
	AtMostOnce bool     `json:"at_most_once" default:"true" doc:"whether it must not be run again when nobody can tell what it did, because it was lost or stopped halfway; false says that twice does no harm"`
	Probe      []string `json:"probe,omitempty" doc:"a program in the same pod that answers, when nobody can tell what it did, whether it took effect: exit code 0 yes, 1 no, any other not known"`
}

type execRun struct{ family }

func execAction(f family) actions.Action {
	a := execRun{f}
	return actions.Define(actions.Def[execIn, pod.Job, execOut]{
		Name:    "k8s.exec",
		Summary: "Run a program in a pod that changes something, at most once; it goes on when the connection or runback dies, and a resume learns how it ended.",
		Effect:  actions.Change,
		Prepare: a.prepare,
		Preview: func(_ context.Context, _ *actions.Call, in execIn, j pod.Job) (actions.Preview, error) {
			p := previewIn(in.inPod, j.Ref)
			if in.AtMostOnce && len(in.Probe) == 0 {
				p.Notes = append(p.Notes, "it cannot be asked for: if nobody can tell what it did, a person decides")
			}
			return p, nil
		},
		Run:    a.run,
		Probe:  a.probe,
		NoUndo: "a program has no known inverse; write the one that undoes it as a step of rescue",
		Tell:   tellExec,
		Examples: []actions.Example{
			{Title: "Clear a cache", YAML: "uses: k8s.exec\nwith: {deployment: app-stable, args: [bin/cache, clear, --all]}\ntimeout: 2m"},
		},
	})
}

func (a execRun) prepare(ctx context.Context, c *actions.Call, in execIn) (pod.Job, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return pod.Job{}, err
	}
	at, err := in.ref(ctx, cl)
	if err != nil {
		return pod.Job{}, err
	}
	return pod.Announce(c.Key, at, in.ClaimDir), nil
}

func (a execRun) run(ctx context.Context, c *actions.Call, in execIn, j pod.Job) (execOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return execOut{}, err
	}
	st, r, err := cl.Pods().Do(ctx, j, in.Args, nil, c.Wait)
	switch {
	case errors.Is(err, pod.ErrGone), errors.Is(err, pod.ErrNoClaim):
		if st == pod.NotStarted { // nothing was begun
			return execOut{}, actions.Refuse("set claim_dir to a folder that can be written, or prepare the step again", "%w", err)
		}
		return execOut{}, err
	case err != nil:
		return execOut{}, unproven(ctx, err, "running "+in.Args[0]+" in pod "+j.Pod)
	case st == pod.Lost:
		return execOut{}, lostIn(j)
	}
	out, err := in.judged(j.Ref, r)
	if err != nil && ctx.Err() != nil { // it was stopped
		err = actions.Ended(actions.HintOf(err), "%w: %w", context.Cause(ctx), err)
	}
	return out, err
}

func lostIn(j pod.Job) error {
	return fmt.Errorf("nobody saw how the program ended: it is gone from container %s of pod %s and left no exit code in %s", j.Container, j.Pod, j.Claim)
}

// probe asks the container. One that was started anew took its record with it.
func (a execRun) probe(ctx context.Context, c *actions.Call, in execIn, j pod.Job) (actions.Verdict, execOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, execOut{}, err
	}
	st, r, err := cl.Pods().Look(ctx, j)
	switch {
	case errors.Is(err, pod.ErrGone):
		return actions.Unknown, execOut{}, err
	case err != nil:
		return actions.Unknown, execOut{}, unproven(ctx, err, "asking pod "+j.Pod)
	case st == pod.NotStarted:
		return actions.NotApplied, execOut{}, nil
	case st == pod.Running:
		return actions.InFlight, execOut{}, actions.AtWork("see to it that it ends in pod "+j.Pod+"; then resume", "the command still runs in the pod")
	case st == pod.Lost:
		return a.ask(ctx, cl, in, j, lostIn(j))
	}
	out, err := in.judged(j.Ref, r)
	switch {
	case err == nil:
		return actions.Applied, out, nil
	case r.Told:
		return a.ask(ctx, cl, in, j, halfway(err, r.Claim))
	default:
		return actions.Partial, out, err
	}
}

func halfway(err error, dir string) error {
	return &actions.Error{Kind: actions.KindFailed, Hint: "its output is in " + dir + " of the container", Err: fmt.Errorf("it was told to end: %w; what it did until then is not known", err)}
}

// ask finds out whether a program that was lost, or stopped halfway, took effect.
// Where it did not, or where twice does no harm, the attempt is given up so that it
// can be begun anew.
func (a execRun) ask(ctx context.Context, cl *Cluster, in execIn, j pod.Job, why error) (actions.Verdict, execOut, error) {
	code := 1
	switch {
	case len(in.Probe) > 0:
		r, err := cl.Pods().Exec(ctx, j.Ref, in.Probe, nil)
		if err != nil {
			return actions.Unknown, execOut{}, errors.Join(why, unproven(ctx, err, "probe"))
		}
		if r.Code > 1 {
			return actions.Unknown, execOut{}, errors.Join(why, fmt.Errorf("probe: %s exited with %d: %s", in.Probe[0], r.Code, lastWords(r)))
		}
		code = r.Code
	case in.AtMostOnce:
		return actions.Unknown, execOut{}, why
	}
	if code == 0 {
		return actions.Applied, outOf(j.Ref, pod.Result{}), nil
	}
	if err := cl.Pods().GiveUp(ctx, j); err != nil {
		return actions.Unknown, execOut{}, errors.Join(why, err)
	}
	return actions.NotApplied, execOut{}, nil
}
