package terraform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// planGrace is how long a plan has to give its lock back.
const planGrace = 15 * time.Second

// order is a child of the program at the site.
func (s site) order(args []string, grace time.Duration) tool.Order {
	return tool.Order{Program: s.Program, Args: append([]string{s.name()}, args...), Dir: s.Dir, Env: s.environment(), Grace: grace}
}

// quiet gives the call with progress that people can read.
func quiet(c *actions.Call) *actions.Call {
	q := *c
	q.Say = func(line string) {
		if text := aloud(line); text != "" && c.Say != nil {
			c.Say(text)
		}
	}
	return &q
}

// made is a plan and the state that it is for.
type made struct {
	planned
	snapshot
	site  site
	notes []string
}

// plan makes a plan at path, and tells what is in it. It takes the lock of the
// state, changes nothing, and is stopped gently when nobody waits for it.
func (f family) plan(ctx context.Context, c *actions.Call, s site, o options, path string) (made, error) {
	m := made{site: s}
	if err := s.supported(); err != nil {
		return m, err
	}
	if err := o.valid(s.Dir); err != nil {
		return m, err
	}
	if err := s.known(ctx); err != nil {
		return m, err
	}
	if err := f.planOnce(ctx, c, &m, o, path, true); err != nil {
		return m, err
	}
	if err := f.read(ctx, &m, o, path); err != nil {
		return m, err
	}
	return m, m.proves()
}

// planOnce runs the plan. What it lacks is got once: a data directory of ours
// that is initialised, or the lock that a dead child of ours holds.
func (f family) planOnce(ctx context.Context, c *actions.Call, m *made, o options, path string, lock bool) error {
	said, err := f.runPlan(ctx, c, m.site, o, path, lock)
	if err == nil {
		return nil
	}
	if h := lockOf(said.everything()); h != nil {
		child, proved := f.ours(m.site, *h)
		if !proved {
			return m.site.refused(*h)
		}
		if inPlan(c) { // which changes nothing
			m.notes = append(m.notes, "the state is locked by "+h.ID+", left by our child "+child+" that was killed; a run gives it back first")
			return f.planOnce(ctx, c, m, o, path, false)
		}
		if err := f.unlock(ctx, c, m.site, *h, child); err != nil {
			return err
		}
		_, err = f.runPlan(ctx, c, m.site, o, path, lock)
		return err
	}
	if m.site.Data == "" && wantsInit(said) {
		if m.site, err = f.initialised(ctx, c, m.site); err != nil {
			return err
		}
		_, err = f.runPlan(ctx, c, m.site, o, path, lock)
	}
	return err
}

// wantsInit: every message about it says so.
func wantsInit(s said) bool {
	text := s.everything()
	return strings.Contains(text, `init"`) || strings.Contains(text, "init`")
}

func (f family) runPlan(ctx context.Context, c *actions.Call, s site, o options, path string, lock bool) (said, error) {
	wait := o.LockTimeout.Std()
	if inPlan(c) {
		wait = min(wait, planTimeout)
	}
	var heard said
	var why error
	err := f.room.Observe(ctx, quiet(c), s.order(o.args(path, wait, lock), planGrace), func(e tool.End) {
		out, _ := e.Stdout(mostOutput)
		errs, _ := e.Stderr(64 << 10)
		heard = listen(out, errs)
		switch {
		case ctx.Err() != nil:
			why = fmt.Errorf("%w: the plan was stopped", context.Cause(ctx))
		case e.State != supervise.Exited:
			why = errors.New("nobody saw how the plan ended: its supervisor was killed")
		case !e.Success(0, 2): // 2: there is something to change
			why = s.explain(ctx, heard.everything(), s.name()+" plan")
			if d := heard.problem(); d != nil && actions.KindOf(why) != actions.KindUnreachable {
				why = actions.Invalid("see: "+s.name()+" -chdir="+s.Dir+" plan", "%s plan: %s", s.name(), d.text())
			}
		}
	})
	if err != nil {
		return heard, actions.Cause(ctx, err)
	}
	return heard, why
}

// read takes the plan apart and finds the state that it is for: in the plan, or by
// asking meanwhile. Should the state have moved then, terraform refuses the apply
// by its serial.
func (f family) read(ctx context.Context, m *made, o options, path string) error {
	snap, known := stateIn(path)
	pulled := make(chan error, 1)
	go func() {
		var err error
		if !known {
			snap, err = m.site.pull(ctx)
		}
		pulled <- err
	}()
	raw, err := m.site.ask(ctx, "show", "-json", path)
	if e := <-pulled; err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	m.snapshot = snap
	m.planned, err = readPlan(document(raw), len(o.Targets) > 0)
	if err != nil {
		return err
	}
	return m.open(o.Vars)
}

// proves that this is the state that was pinned.
func (m made) proves() error {
	if want := m.site.lineage; want != "" && m.Lineage != want {
		return actions.Refuse("check dir, workspace and back end of the target; nothing was changed",
			"this is not the state that was planned: %s has lineage %s, expected was %s", m.site.object(), orNone(m.Lineage), want)
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
