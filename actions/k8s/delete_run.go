package k8s

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/actions"
)

// remove asks for the end of a pod, of exactly that one.
func (cl *Cluster) remove(ctx context.Context, v victim, force, dry bool) error {
	uid := types.UID(v.UID)
	o := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
	}
	pods := cl.API.Dynamic.Resource(podKind.gvr()).Namespace(cl.Namespace)
	if force {
		return pods.Delete(ctx, v.Name, o)
	}
	eviction, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&policyv1.Eviction{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "Eviction"},
		ObjectMeta: metav1.ObjectMeta{Name: v.Name, Namespace: cl.Namespace}, DeleteOptions: &o,
	})
	if err != nil {
		return err
	}
	_, err = pods.Create(ctx, &object{Object: eviction}, metav1.CreateOptions{}, "eviction")
	return err
}

// removal is one run of the action. It only knows the pods of the list, so that
// it goes on where an earlier one stopped.
type removal struct {
	cl    *Cluster
	in    deleteIn
	st    deleteState
	begun bool // a pod of the list is gone, is ending, or was asked to
	doubt bool // a pod was asked to, and the answer never came
}

// answering is how long the answer to a removal is waited for, past the end of
// the step if need be: cut off by a deadline, nobody would know whether it landed.
const answering = 2 * time.Second

func (a deletePods) run(ctx context.Context, c *actions.Call, in deleteIn, st deleteState) (deleteOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return deleteOut{}, err
	}
	r := &removal{cl: cl, in: in, st: st}
	if err := actions.Until(ctx, c, pause, r.look); err != nil {
		return deleteOut{}, r.failed(ctx, err)
	}
	out, err := st.out(ctx, cl)
	return out, written(err)
}

// failed says what is known of the effect. When time runs out with some of the
// pods gone, that is how the step ends: to prepare it again would list the
// replacements. When somebody stopped the run, the rest of the list is left for
// its resume.
func (r *removal) failed(ctx context.Context, err error) error {
	err = fmt.Errorf("removing %d pods: %w", len(r.st.Pods), err)
	var spent interface{ Timeout() bool }
	stopped := ctx.Err() != nil && (!errors.As(context.Cause(ctx), &spent) || !spent.Timeout())
	if !r.begun && !r.doubt || stopped {
		return err
	}
	state := "are gone"
	if !r.begun {
		state = "may be gone"
	}
	hint := actions.HintOf(err)
	if hint == "" {
		hint = "look at: kubectl get pods,pdb -n " + r.cl.Namespace
	}
	return actions.Ended(hint, "%w; some of them %s", err, state)
}

// progress is what one look saw.
type progress struct {
	gone, ending, left int
	why                []string // nothing more could be removed
}

// look removes what may be removed now, and says what is missing.
func (r *removal) look(ctx context.Context) (bool, string, error) {
	var p progress
	missing := map[string]int{} // by owner
	short := ""
	for _, w := range r.st.Crews {
		need, ready, err := r.cl.crewNow(ctx, w)
		if err != nil {
			return false, "", err
		}
		missing[w.UID] = max(0, need-ready)
		if need > ready {
			short = fmt.Sprintf("%s has %d of %d ready pods", w.label(), ready, need)
		}
	}
	there, ending, err := r.survey(ctx, &p)
	if err != nil {
		return false, "", err
	}
	for _, v := range there {
		if ctx.Err() != nil {
			break
		}
		if max(missing[v.Owner], ending[v.Owner]) >= r.in.MaxUnavailable {
			continue
		}
		asked, err := r.one(ctx, v, &p)
		if err != nil {
			return false, "", err
		}
		if asked {
			ending[v.Owner]++
		}
	}
	switch {
	case p.left > 0 || p.ending > 0:
		return false, p.text(short), nil
	case r.in.Wait && short != "":
		return false, "all are gone; " + short, nil
	}
	return true, "", nil
}

// survey looks where the pods of the list are.
func (r *removal) survey(ctx context.Context, p *progress) (there []victim, ending map[string]int, err error) {
	ending = map[string]int{}
	for _, v := range r.st.Pods {
		pod, err := r.cl.victim(ctx, v)
		switch {
		case err != nil:
			return nil, nil, err
		case pod == nil:
			p.gone++
		case pod.DeletionTimestamp != nil:
			p.ending++
			ending[v.Owner]++
		default:
			p.left++
			there = append(there, v)
		}
	}
	r.begun = r.begun || p.gone+p.ending > 0
	return there, ending, nil
}

// one asks for the end of a pod; asked is false when it may not go now.
func (r *removal) one(ctx context.Context, v victim, p *progress) (asked bool, err error) {
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), answering)
	defer cancel()
	err = r.cl.remove(ask, v, r.in.Force, false)
	switch {
	case err == nil:
		r.begun = true
		return true, nil
	case apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause):
		p.why = append(p.why, v.Name+" is held: "+heldBy(err))
		return false, nil
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		r.begun = true
		return false, nil // it is gone, which the next look sees
	}
	err = explain(ctx, err, "removing pod "+v.Name)
	if k := actions.KindOf(err); k != actions.KindInvalid && k != actions.KindRefused {
		r.doubt = true
	}
	return false, err
}

func (p progress) text(short string) string {
	parts := []string{fmt.Sprintf("%d pods are gone, %d ending, %d left", p.gone, p.ending, p.left)}
	if short != "" {
		parts = append(parts, short)
	}
	if len(p.why) > 0 {
		parts = append(parts, p.why[0])
	}
	return strings.Join(parts, "; ")
}
