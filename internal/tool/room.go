package tool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
)

// Room is where child processes are recorded. It is asked for when one is
// started, so that the catalogue can be read where there is no such place.
type Room struct {
	// Base gives the folder; it must be the same for a run and its resume.
	Base func() (string, error)
}

// Order is what is to be run.
type Order struct {
	Program Program
	Args    []string // the whole argument list, its name first
	Dir     string   // where it runs, absolute
	Env     []string // the whole environment; passwords of the target's databases are taken out of it
	Stdin   []byte
	Secret  []byte        // what it reads at supervise.SecretPath; in no file, argument or variable
	Quiet   bool          // its output is an answer, not progress to be shown
	Grace   time.Duration // between SIGINT and SIGTERM, and again before SIGKILL; 0 is 10s
	// Again allows to start a new child where the last one was lost, which is
	// right only when it is known that the lost one took no effect.
	Again bool
	// Instead names the directory of a child that ended or was lost and is known
	// to have taken no effect, or one that the next goes on from: while it is
	// still the last one of the attempt, a new one is started.
	Instead string
}

// End is how a child ended, as far as it is known.
type End struct {
	State supervise.State
	supervise.Outcome
	child *supervise.Child
}

// Do starts the child of an attempt, or attaches to it when it was started
// before, and waits for its end. When the caller's time is over the child is
// stopped first: a step that ended and whose command still runs would act on
// what follows. The error is about starting and watching; how the child ended
// is in the End, and a child that was lost is an End with the state Lost.
func (r Room) Do(ctx context.Context, c *actions.Call, j Job, o Order) (End, error) {
	child, err := r.begin(ctx, c, j, o)
	if err != nil {
		return End{}, err
	}
	st, out, err := attend(ctx, c, child, o)
	if err != nil {
		return End{}, actions.Cause(ctx, err)
	}
	return End{st, out, child}, nil
}

// Look says what became of an attempt, without waiting. Nothing can be said of
// one that was announced on another machine and is not here.
func (r Room) Look(j Job) (End, error) {
	if err := j.valid(); err != nil {
		return End{}, err
	}
	base, err := r.Base()
	if err != nil {
		return End{}, fmt.Errorf("child processes are not recorded: %w", err)
	}
	dir, _ := latest(base, j.Child)
	child := supervise.Attach(dir)
	st, out, err := child.Look()
	if err != nil {
		return End{}, err
	}
	if here := host(); st == supervise.NotStarted && here != j.Host {
		return End{}, fmt.Errorf("the command was announced on %s, and whether it runs there cannot be seen from %s", j.Host, here)
	}
	return End{st, out, child}, nil
}

// begin gives the child of this attempt.
func (r Room) begin(ctx context.Context, c *actions.Call, j Job, o Order) (*supervise.Child, error) {
	if err := j.valid(); err != nil {
		return nil, err
	}
	base, err := r.Base()
	if err != nil {
		return nil, actions.Invalid(actions.HintOf(err), "nowhere to record child processes: %w", err)
	}
	dir, next := latest(base, j.Child)
	child := supervise.Attach(dir)
	switch st, _, err := child.Look(); {
	case err != nil:
		return nil, err
	case st == supervise.Running:
		return child, nil
	case st == supervise.Exited && o.Instead != dir, st == supervise.Lost && o.Instead != dir && !o.Again:
		return child, nil
	case st == supervise.Exited || st == supervise.Lost:
		dir = next
	}
	if err := o.Program.Same(); err != nil {
		return nil, err
	}
	child, err = supervise.Start(ctx, o.spec(ctx, c, dir))
	switch {
	case errors.Is(err, supervise.ErrTaken) || errors.Is(err, supervise.ErrStarted):
		return supervise.Attach(dir), nil // somebody was faster, with the same attempt
	case errors.Is(err, supervise.ErrNeverRan):
		return nil, actions.Invalid("", "%w", err)
	default:
		return child, err
	}
}

// Observe runs a program that changes nothing, and gives how it ended. It is
// tied to this process: a look that nobody waits for is stopped. Nothing is
// kept of it but what read takes from the End before it is forgotten.
func (r Room) Observe(ctx context.Context, c *actions.Call, o Order, read func(End)) (err error) {
	base, err := r.Base()
	if err != nil {
		return actions.Invalid(actions.HintOf(err), "nowhere to record child processes: %w", err)
	}
	if err := o.Program.Same(); err != nil {
		return err
	}
	dir := filepath.Join(base, childName(c.Key))
	spec := o.spec(ctx, c, dir)
	spec.Tied, spec.Forget = true, true
	child, err := supervise.Start(ctx, spec)
	if errors.Is(err, supervise.ErrNeverRan) {
		err = errors.Join(actions.Invalid("", "%w", err), os.RemoveAll(dir))
	}
	if err != nil {
		return err
	}
	st, out, err := attend(ctx, c, child, o)
	if err != nil {
		return err
	}
	read(End{st, out, child})
	return os.RemoveAll(dir)
}

func (o Order) limits() supervise.Limits {
	return supervise.Limits{Interrupt: o.Grace, Terminate: o.Grace}
}

func (o Order) spec(ctx context.Context, c *actions.Call, dir string) supervise.Spec {
	s := supervise.Spec{
		Dir: dir, Program: o.Program.Path, Args: o.Args, Env: Without(o.Env, c.Target.SecretVariables()...), WorkDir: o.Dir, Stdin: o.Stdin, Secret: o.Secret, Limits: o.limits(),
	}
	// The time of the step is held even when nobody is left to watch it.
	s.Deadline, _ = ctx.Deadline()
	return s
}

// attend waits for the end of a child, and stops it when the caller's time is
// over.
func attend(ctx context.Context, c *actions.Call, child *supervise.Child, o Order) (supervise.State, supervise.Outcome, error) {
	eyes := supervise.Eyes{Wait: c.Wait, Say: c.Say}
	if o.Quiet {
		eyes.Say = nil
	}
	st, out, err := child.Wait(ctx, eyes)
	if err == nil || st != supervise.Running {
		return st, out, err
	}
	if c.Say != nil {
		c.Say("stopping the command")
	}
	return child.Stop(context.WithoutCancel(ctx), o.limits(), eyes)
}
