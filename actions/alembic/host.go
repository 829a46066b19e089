package alembic

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// host is a machine with the project on it. It is an interface so that the same
// driver can run elsewhere, inside a pod for one: what it is told is an argument
// and standard input, and what it answers its output and exit code.
type host interface {
	// settle finds interpreter, folder and configuration of a project.
	settle(ctx context.Context, p project) (place, error)
	// observe runs what changes nothing, and leaves nothing.
	observe(ctx context.Context, c *actions.Call, o tool.Order) (ended, error)
	// do starts an attempt or attaches to it, and waits for its end. A child in
	// instead is one that ended and did not take effect: after it, another is
	// started.
	do(ctx context.Context, c *actions.Call, j tool.Job, o tool.Order, instead string) (ended, error)
	// look says what became of an attempt.
	look(ctx context.Context, j tool.Job) (ended, error)
}

// ended is how a child ended, as far as it is known.
type ended struct {
	state          supervise.State
	code           int
	signal         string
	stopped        string // why the supervisor ended it
	stdout, stderr string
	dir            string // where it is recorded
}

// ok says whether it was seen to end well.
func (e ended) ok() bool { return e.state == supervise.Exited && e.signal == "" && e.code == 0 }

// local is this machine.
type local struct{ room tool.Room }

// mostAnswer bounds what is read of the driver's answer: it holds the SQL of all
// revisions of a path.
const (
	mostAnswer = 8 << 20
	mostTail   = 16 << 10
)

func read(e tool.End) ended {
	out := ended{state: e.State, code: e.Code, signal: e.Signal, stopped: e.Stopped}
	if e.State == supervise.NotStarted {
		return out
	}
	out.dir = e.Dir()
	out.stdout, _ = e.Stdout(mostAnswer)
	out.stderr, _ = e.Stderr(mostTail)
	return out
}

func (l local) observe(ctx context.Context, c *actions.Call, o tool.Order) (ended, error) {
	var out ended
	o.Quiet = true // what it writes is JSON
	err := l.room.Observe(ctx, c, o, func(e tool.End) { out = read(e) })
	return out, actions.Cause(ctx, err)
}

func (l local) do(ctx context.Context, c *actions.Call, j tool.Job, o tool.Order, instead string) (ended, error) {
	o.Instead = instead
	e, err := l.room.Do(ctx, c, j, o)
	if err != nil {
		return ended{}, err
	}
	return read(e), nil
}

func (l local) look(_ context.Context, j tool.Job) (ended, error) {
	e, err := l.room.Look(j)
	if err != nil {
		return ended{}, err
	}
	return read(e), nil
}
