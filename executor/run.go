package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// Run runs a program from its beginning and gives the state at its end. The
// error is about the run's bookkeeping (the journal, the target); how the
// steps came out is in the state.
func (r *Runner) Run(ctx context.Context, p *Program, req Request) (*journal.State, error) {
	secrets, err := r.book(ctx, p, req.ID, req.Target)
	if err != nil {
		return nil, err
	}
	ctx, held, err := r.lock(ctx, req.ID, p.Playbook.Metadata.Name, req.Target, req.Identity)
	if err != nil {
		return nil, err
	}
	defer r.unlock(ctx, held)
	s := r.session(p, held, req.Target, journal.NewState(), secrets)
	m := p.Playbook.Metadata
	started := journal.Started{
		Playbook: m.Name, Version: m.Version, Title: m.Title, Digest: p.Source.Digest(), Source: p.Source,
		Inputs: req.Inputs, Target: req.Target, Identity: req.Identity, Project: req.Project, Reason: req.Reason, Reviewed: req.Reviewed, Undoes: req.Undoes, Left: req.Left,
		User: r.Who.User, Process: r.Who.Process, Tool: r.Who.Tool,
		Deadline: s.Clock.Now().Add(p.Playbook.Spec.Budget.Std()), Epoch: held.claim.Epoch,
	}
	if err := s.scope.project(req.Project); err != nil {
		return nil, err
	}
	if err := s.record(ctx, journal.RunStarted, "", started); err != nil {
		return nil, err
	}
	s.scope.bind("", "inputs", scopeInputs(req.Inputs))
	for _, st := range s.state.Steps { // those that are left out
		s.scope.set(st.Path, st)
	}
	return s.finish(ctx)
}

// Resume continues a run that was interrupted, cancelled or left in doubt. It
// runs the recorded playbook with the recorded inputs; finished steps are not
// asked again, and deadlines stay where they were.
func (r *Runner) Resume(ctx context.Context, p *Program, state *journal.State, rulings ...Ruling) (*journal.State, error) {
	if err := fit(rulings, state); err != nil {
		return state, err
	}
	identity, err := r.identify(ctx, state.Started.Target, state.Started.Identity)
	if err != nil {
		return state, err
	}
	inputs, err := p.Restore(state.Started.Inputs)
	if err != nil {
		return state, err
	}
	secrets, err := r.book(ctx, p, state.ID, state.Started.Target)
	if err != nil {
		return state, err
	}
	ctx, held, err := r.lock(ctx, state.ID, state.Started.Playbook, state.Started.Target, identity)
	if err != nil {
		return state, err
	}
	defer r.unlock(ctx, held)
	s := r.session(p, held, state.Started.Target, state, secrets)
	if err := s.scope.project(state.Started.Project); err != nil {
		return state, err
	}
	if err := s.record(ctx, journal.RunResumed, "", journal.Resumed{User: r.Who.User, Process: r.Who.Process, Identity: identity, Tool: r.Who.Tool, Epoch: held.claim.Epoch}); err != nil {
		return state, err
	}
	for _, d := range rulings {
		if err := s.record(ctx, journal.StepDecided, d.Path, journal.Decided{Decision: d.Decision, Reason: d.Reason, User: r.Who.User}); err != nil {
			return state, err
		}
	}
	s.scope.bind("", "inputs", scopeInputs(inputs))
	for _, st := range state.Steps {
		s.scope.set(st.Path, st)
	}
	return s.finish(ctx)
}

func (s *session) finish(ctx context.Context) (*journal.State, error) {
	spec := s.prog.Playbook.Spec
	s.operator = ctx
	bounded, cancel := s.within(ctx, s.state.Started.Deadline, &SpentError{Owner: "playbook " + s.prog.Playbook.Metadata.Name, Allowed: spec.Budget.Std()})
	defer cancel()
	out := s.body(bounded, s.prog.Body, spec.FinallyBudget.Std(), "finally of the playbook")
	if nd, ok := errors.AsType[*journal.NotDurableError](out.err); ok {
		return s.state, nd
	}
	if out.status == journal.Refused && s.state.Changed {
		// "refused" promises that nothing was changed.
		out.status = journal.FailedRun
	}
	end := journal.Ended{Status: out.status, Step: out.step}
	if out.err != nil {
		end.Message, end.Hint = out.err.Error(), actions.HintOf(out.err)
	}
	if n := len(s.state.Open); n > 0 && out.ok() {
		end.Status = journal.Mitigated
		end.Message = fmt.Sprintf("every step succeeded; %d left to be put right before this is over", n)
	}
	if a := s.state.Aborting; a != nil && end.Status == journal.Aborted {
		end.Message, end.Step = strings.TrimSuffix("aborted by "+a.User+": "+a.Reason, ": "), ""
	}
	err := s.record(ctx, journal.RunEnded, "", end)
	if err == nil && lostLock(out.err) {
		err = out.err
	}
	return s.state, err
}

// body runs steps, then rescue when they failed, then finally in any case.
func (s *session) body(ctx context.Context, b Body, finallyBudget time.Duration, name string) outcome {
	out := s.steps(ctx, b)
	if len(b.Rescue) > 0 && recoverable(out) {
		out = s.rescue(ctx, b.Rescue, out)
	}
	if out.ok() && len(b.Success) > 0 {
		// Each criterion has a window of its own, on top of the budget.
		out = s.abreast(s.operator, b.Success, maxAbreast)
	}
	if out.final() || len(b.Finally) == 0 || isNotDurable(out.err) {
		return out
	}
	// The deadline that may just have passed is not finally's; a stop is.
	fctx, cancel := context.WithTimeoutCause(s.operator, finallyBudget, &SpentError{Owner: name, Allowed: finallyBudget})
	defer cancel()
	if fin := s.sequence(letFinish(fctx), b.Finally); !fin.ok() && (out.ok() || fin.final() || isNotDurable(fin.err)) {
		return fin
	}
	return out
}

// rescue runs when steps failed and there is time left. One that had begun goes
// on also without: what it announced must be asked of the world.
func (s *session) rescue(ctx context.Context, nodes []*Node, why outcome) outcome {
	begun := slices.ContainsFunc(nodes, func(n *Node) bool { return s.known(n) != nil })
	if ctx.Err() != nil && !begun {
		return leftOut(context.Cause(ctx), why)
	}
	s.say("", "steps did not succeed, rescue begins: "+errText(why.err))
	return s.sequence(ctx, nodes)
}

// leftOut is how steps come out that failed and whose rescue could not begin:
// as if its first step had not begun. A stop leaves it to the resume.
func leftOut(cause error, why outcome) outcome {
	out := failed(cause, why.step)
	switch {
	case out.final():
	case errors.Is(why.err, cause):
		out.err = fmt.Errorf("%w; no time was left for rescue", why.err)
	default:
		out.err = fmt.Errorf("%w; rescue was left out: %s", why.err, cause.Error())
	}
	return out
}

func recoverable(o outcome) bool {
	return (o.status == journal.FailedRun || o.status == journal.OverBudget) && !isNotDurable(o.err)
}

func isNotDurable(err error) bool {
	_, ok := errors.AsType[*journal.NotDurableError](err)
	return ok
}

// steps runs the steps of a body: one after the other, or side by side.
func (s *session) steps(ctx context.Context, b Body) outcome {
	if b.AtOnce > 0 {
		return s.abreast(ctx, b.Steps, b.AtOnce)
	}
	return s.sequence(ctx, b.Steps)
}

func (s *session) sequence(ctx context.Context, nodes []*Node) outcome {
	for i, n := range nodes {
		if out, halt := s.halts(ctx, n); halt {
			return out
		}
		out := s.node(ctx, n)
		if stops(out, n) {
			return out
		}
		if i == len(nodes)-1 && !out.ok() && !out.recorded && ctx.Err() != nil {
			// Nothing is left to go on with, and the time ended before the step did.
			return failed(context.Cause(ctx), n.Path)
		}
	}
	return outcome{status: journal.Succeeded}
}

// node runs a step or block. None begins when time is spent or the operator
// said stop; one that began before goes in, because its effect may have to be
// asked of the world.
func (s *session) node(ctx context.Context, n *Node) outcome {
	if ctx.Err() != nil && s.known(n) == nil {
		return failed(context.Cause(ctx), n.Path)
	}
	if n.IsBlock() {
		return s.block(ctx, n)
	}
	return s.step(ctx, s.call(n))
}
