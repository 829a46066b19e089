package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// run applies the plan that was announced, or attaches to the child that does.
func (f family) run(ctx context.Context, c *actions.Call, in applyIn, st prepared) (applyOut, error) {
	if st.Attempt == nil {
		return applyOut{}, actions.Invalid("", "what was prepared holds no saved plan")
	}
	if st.Plan.empty() {
		return st.out(), nil
	}
	st.Site.Program = f.found.recall(st.Site.Program)
	o := st.Site.order(in.applyArgs(st), in.Grace.Std())
	switch was, err := f.room.Look(st.Attempt.Job); {
	case err != nil:
		return applyOut{}, err
	case was.State == supervise.Lost:
		v, _, err := f.died(ctx, c, in, st, was)
		if v != actions.NotApplied {
			return applyOut{}, errors.Join(errors.New("the plan was applied before and is not applied again"), err)
		}
		o.Again = true
		fallthrough
	case was.State == supervise.NotStarted:
		if err := intact(st.Attempt.File, st.Attempt.SHA256); err != nil {
			return applyOut{}, err
		}
	}
	end, err := f.room.Do(ctx, quiet(c), st.Attempt.Job, o)
	if err != nil {
		return applyOut{}, err
	}
	out, err := f.finished(ctx, st, end)
	return out, actions.Cause(ctx, err)
}

// applyArgs gives the arguments. Targets and values of variables are in the
// plan; terraform ignores the first and refuses the second.
func (in applyIn) applyArgs(st prepared) []string {
	return []string{"apply", "-input=false", "-json", "-lock-timeout=" + in.LockTimeout.Std().String(), "-parallelism=" + strconv.Itoa(in.Parallelism), st.Attempt.File}
}

// finished turns the end of a child into outputs or an error.
func (f family) finished(ctx context.Context, st prepared, e tool.End) (applyOut, error) {
	switch {
	case e.State == supervise.Lost:
		return applyOut{}, e.Lost() // the probe asks the state
	case e.State != supervise.Exited:
		return applyOut{}, tool.ErrNotStarted
	case e.Success(0):
		f.forget(st.Attempt.Job)
		return st.out(), nil
	case e.Signal != "":
		return applyOut{}, fmt.Errorf("%s was ended by signal: %s", st.Site.name(), e.Signal) // what it said may hold secrets
	}
	a := accountOf(e, st.Plan)
	if a.hard() {
		return applyOut{}, fmt.Errorf("%s was ended hard, before it could write the state", st.Site.name())
	}
	err := f.ended(ctx, st, e, a)
	f.forget(st.Attempt.Job) // it ended by itself: the plan is of no use any more
	return applyOut{}, err
}

// ended explains a child that ended by itself and badly. Terraform has written
// its state by then.
func (f family) ended(ctx context.Context, st prepared, e tool.End, a account) error {
	why := st.clean(ctx, a.why())
	if !a.untouched() {
		if e.Stopped != "" {
			why = "it was stopped (" + e.Stopped + "); what it had begun is marked to be replaced. " + why
		}
		return actions.Ended(st.next(e), "%s apply exited with %d: %s: %s", st.Site.name(), e.Code, a.tells(), why)
	}
	text := a.everything()
	switch h := lockOf(text); {
	case h != nil:
		return st.Site.refused(*h)
	case stale().MatchString(text):
		return actions.Conflict("run the playbook again: a new plan is made", "the state moved since the plan was made for serial %d; nothing was changed: %s", st.Attempt.Serial, why)
	default:
		return fmt.Errorf("%s apply exited with %d before it began to change anything: %s", st.Site.name(), e.Code, why)
	}
}

// next says what to do after a bad end.
func (st prepared) next(e tool.End) string {
	hint := "see what is left with: " + st.Site.name() + " -chdir=" + st.Site.Dir + " plan; " + e.Hint()
	if left := st.errored(e); left != "" {
		hint = left + "; " + hint
	}
	return hint
}

// errored finds the state that terraform could not write and left beside the
// configuration. One that is older than the child is of somebody else.
func (st prepared) errored(e tool.End) string {
	file := filepath.Join(st.Site.Dir, "errored.tfstate")
	info, err := os.Stat(file)
	if err != nil || !e.Started.IsZero() && info.ModTime().Before(e.Started) {
		return ""
	}
	return "the state could not be written and is in " + file + "; keep it, and when it is the newest: " + st.Site.name() + " state push errored.tfstate"
}

// clean takes secrets out of a message. They are not in what was journaled, so
// the plan itself is asked; without it nothing but its kind is told.
func (st prepared) clean(ctx context.Context, text string) string {
	raw, err := st.Site.ask(context.WithoutCancel(ctx), "show", "-json", st.Attempt.File)
	if err == nil {
		var p planned
		if p, err = readPlan(document(raw), false); err == nil {
			return p.clean(text)
		}
	}
	return "(its message is not shown, because the plan that names what is sensitive cannot be read)"
}

func (st prepared) out() applyOut {
	p := st.Plan
	return applyOut{
		Changed: !p.empty(), Created: p.of(creates, imports), Updated: p.of(updates, moves), Replaced: p.of(replaces), Deleted: p.of(deletes, forgets),
		Complete: p.Complete, Workspace: st.Site.Workspace, Lineage: st.Lineage, Serial: st.Attempt.Serial, Commit: st.Site.Commit,
	}
}
