package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

const sessionPause = 100 * time.Millisecond

// terminate cancels what runs, gives it time to end by itself, and ends the
// sessions. Each is named by pid and start, so that doing it again can hit
// nobody else.
func terminate(ctx context.Context, c *actions.Call, in terminateIn, st terminateState) (terminateOut, error) {
	if len(st.Victims) == 0 {
		if _, err := c.Target.Database(in.Database); err != nil {
			return terminateOut{}, err
		}
		return terminateOut{Gone: true}, nil
	}
	conn, err := in.open(ctx, c)
	if err != nil {
		return terminateOut{}, err
	}
	defer conn.Close()
	for _, v := range st.Victims {
		if _, err := mayEnd(ctx, conn, v); err != nil {
			return terminateOut{}, err // nothing was ended so far
		}
	}
	if err := cancelFirst(ctx, c, conn, in, st.Victims); err != nil {
		return terminateOut{}, err
	}
	for _, v := range st.Victims {
		if _, err := conn.Terminate(ctx, pg.Backend{PID: v.PID, Started: v.Started}); err != nil {
			return terminateOut{}, acted(err)
		}
	}
	err = actions.Until(ctx, c, sessionPause, func(ctx context.Context) (bool, string, error) {
		left, err := remaining(ctx, conn, st.Victims)
		return len(left) == 0, fmt.Sprintf("%d sessions are being ended", len(left)), err
	})
	return terminateOut{Ended: len(st.Victims), Gone: err == nil}, acted(err)
}

// acted keeps an error that came after something was done from saying that
// nothing was.
func acted(err error) error {
	switch actions.KindOf(err) {
	case actions.KindRefused, actions.KindInvalid, actions.KindConflict:
		return fmt.Errorf("after it had begun: %s", err.Error())
	default:
		return err
	}
}

// cancelFirst cancels the statements that run and waits until they ended, for a
// while. A transaction that does nothing has no statement to cancel.
func cancelFirst(ctx context.Context, c *actions.Call, conn *pg.Conn, in terminateIn, all []victim) error {
	running := func(ctx context.Context) (out []victim, err error) {
		for _, v := range all {
			n, err := lookUp(ctx, conn, v)
			if err != nil {
				return nil, err
			}
			if n.found && n.state == "active" {
				out = append(out, v)
			}
		}
		return out, nil
	}
	for waited := time.Duration(0); ; waited += sessionPause {
		left, err := running(ctx)
		if err != nil || len(left) == 0 || waited >= in.Grace.Std() {
			return acted(err)
		}
		if waited == 0 {
			for _, v := range left {
				_, err := conn.Exec(ctx, `select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and backend_start = $2`, v.PID, v.Started)
				if err != nil {
					return acted(pg.Explain(ctx, err, "cancelling what runs"))
				}
			}
			c.Say(fmt.Sprintf("%d statements were cancelled", len(left)))
		}
		if err := c.Wait(ctx, sessionPause); err != nil {
			return err
		}
	}
}

func remaining(ctx context.Context, conn *pg.Conn, all []victim) (left []victim, err error) {
	for _, v := range all {
		n, err := lookUp(ctx, conn, v)
		if err != nil {
			return nil, err
		}
		if n.found {
			left = append(left, v)
		}
	}
	return left, nil
}

// probeTerminate looks who is left. Where some are, it is right to go on: what
// is named is named exactly, and the others stay ended.
func probeTerminate(ctx context.Context, c *actions.Call, in terminateIn, st terminateState) (actions.Verdict, terminateOut, error) {
	out := terminateOut{Gone: true}
	conn, err := in.open(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	defer conn.Close()
	left, err := remaining(ctx, conn, st.Victims)
	if err != nil {
		return actions.Unknown, out, err
	}
	out.Ended, out.Gone = len(st.Victims)-len(left), len(left) == 0
	if !out.Gone {
		return actions.NotApplied, out, nil
	}
	return actions.Applied, out, nil
}
