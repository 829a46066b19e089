package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
	"github.com/runbackhq/runback/internal/sandbox/scenario"
)

const (
	deployTimeout = 2 * time.Minute
	showTimeout   = 30 * time.Second
)

// upOptions are the flags of `up`.
type upOptions struct {
	dir      layout.Dir
	scenario scenario.Scenario
	app      string
	metrics  string
	// empty is what the machine allows
	isolation process.Isolation
	nodes     int
	rate      int
	owner     process.ID
	ttl       time.Duration
}

func up(ctx context.Context, args []string, stdout io.Writer) error {
	opts, quiet, err := upFlags(args, stdout)
	if err != nil {
		return err
	}
	out := stdout
	if quiet {
		out = io.Discard
	}
	begin := time.Now()
	if err := clearFolder(ctx, opts.dir); err != nil {
		return err
	}
	s, err := startSupervisor(opts)
	if err != nil {
		return err
	}
	defer s.release()
	say := &narrator{out: out}
	err = s.follow(ctx, say)
	if err == nil {
		err = deployScenario(ctx, opts, say)
	}
	if err != nil {
		// the supervisor ends everything when we let go of it
		s.release()
		return errors.Join(err, awaitEnd(opts.dir))
	}
	if err := s.keep(); err != nil {
		return err
	}
	return summary(ctx, out, opts, time.Since(begin))
}

func upFlags(args []string, stdout io.Writer) (upOptions, bool, error) {
	var o upOptions
	f := newFlags("up", stdout)
	path := f.String("dir", "", "folder for the sandbox's files (required)")
	name := f.String("scenario", "healthy", "one of "+strings.Join(scenario.Names(), ", "))
	f.StringVar(&o.app, "app", "", "path of sandbox-app (default: beside this program)")
	metrics := f.Bool("metrics", false, "run the metrics server too, for kubectl top and autoscaling")
	f.IntVar(&o.nodes, "nodes", 2, "number of nodes")
	f.IntVar(&o.rate, "rate", 60, "requests a second")
	owner := f.Int("owner-pid", 0, "shut down when this process ends")
	f.DurationVar(&o.ttl, "ttl", 2*time.Hour, "shut down after this time; 0 is never")
	isolation := f.String("isolation", "", "keep containers together by pid-namespace, user-and-pid-namespace or process-group (default: the first that works)")
	quiet := f.Bool("quiet", false, "print nothing")
	if err := parse(f, args); err != nil {
		return o, false, err
	}
	var err error
	if o.dir, err = layout.Open(*path); err != nil {
		return o, false, usageError{fmt.Errorf("up: --dir: %w", err)}
	}
	if o.scenario, err = scenario.Find(*name); err != nil {
		return o, false, usageError{err}
	}
	if most := (layout.Config{}).MaxNodes(); o.nodes < 1 || o.nodes > most {
		return o, false, usageError{fmt.Errorf("up: --nodes: want 1 to %d", most)}
	}
	if o.rate < 1 || o.rate > 1000 {
		return o, false, usageError{errors.New("up: --rate: want 1 to 1000")}
	}
	if o.isolation, err = process.ParseIsolation(*isolation); err != nil {
		return o, false, usageError{fmt.Errorf("up: --isolation: %w", err)}
	}
	if o.owner, err = ownerOf(*owner); err != nil {
		return o, false, fmt.Errorf("up: --owner-pid: %w", err)
	}
	if o.app, err = beside(o.app, "sandbox-app"); err != nil {
		return o, false, err
	}
	if *metrics {
		if o.metrics, err = beside("", "metrics-server"); err != nil {
			return o, false, err
		}
	}
	return o, *quiet, nil
}

// beside finds a program that was built next to this one.
func beside(given, name string) (string, error) {
	path := given
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		path = filepath.Join(filepath.Dir(self), name)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", fmt.Errorf("%s is not there; build it beside this program", path)
	}
	return path, nil
}

// clearFolder makes room for a new sandbox, unless one runs there.
func clearFolder(ctx context.Context, dir layout.Dir) error {
	if state, err := dir.ReadState(); err == nil && state.Supervisor.Alive() {
		return fmt.Errorf("%s: a sandbox runs there already; stop it with sandbox down --dir %s", dir, dir)
	}
	if err := endAll(ctx, dir); err != nil {
		return err
	}
	return dir.Reset()
}

func deployScenario(ctx context.Context, o upOptions, say *narrator) error {
	ctx, cancel := context.WithTimeoutCause(ctx, deployTimeout, fmt.Errorf("not there after %s", deployTimeout))
	defer cancel()
	rc, err := controlplane.RestConfig(o.dir.Kubeconfig(), scenario.Manager)
	if err != nil {
		return err
	}
	d, err := scenario.NewDeployer(rc, "default")
	if err != nil {
		return err
	}
	for _, step := range o.scenario.Steps(d) {
		done := say.step(step.Title)
		if err := step.Do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		done()
	}
	done := say.step("see the traffic")
	if err := awaitTraffic(ctx, o); err != nil {
		return err
	}
	done()
	return nil
}
