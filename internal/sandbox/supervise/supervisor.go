// Package supervise starts the components of a sandbox, keeps them running,
// and ends all of them when it is told to, when its owner disappears, or when
// the sandbox has lived long enough.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/process"
	"github.com/runbackhq/runback/internal/sandbox/slot"
)

// Options are what the caller of `up` asked for.
type Options struct {
	Dir      layout.Dir
	App      string
	Nodes    int
	Rate     int
	Metrics  string // program of the metrics server, or empty
	Owner    process.ID
	TTL      time.Duration
	Scenario string
	// Isolation overrides what the machine allows; empty detects it.
	Isolation process.Isolation
	Keep      <-chan error // answers whether the caller wants the sandbox to stay
}

// ErrBusy means that another supervisor works in the same folder.
var ErrBusy = errors.New("another sandbox runs in this folder")

const (
	startTimeout  = 2 * time.Minute
	ownerInterval = 300 * time.Millisecond
	restartDelay  = 500 * time.Millisecond
	nodeStopGrace = 3 * time.Second
	// a component that dies this often in a minute will not recover
	tooManyRestarts = 6
	restartWindow   = time.Minute
)

// Supervisor owns the processes of one sandbox.
type Supervisor struct {
	opts     Options
	cfg      layout.Config
	report   *Progress
	spawner  *process.Spawner
	exits    chan exit
	stopping chan struct{}
	// its share of the loopback network, once it has one
	reservation *slot.Reservation
	waits       sync.WaitGroup

	mu       sync.Mutex
	children []*child
	state    layout.State
}

// Run brings a sandbox up and stays until it has ended again.
func Run(ctx context.Context, opts Options, report *Progress) (err error) {
	unlock, err := lockFolder(opts.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // the lock ends with the process in any case
	self, err := process.Identify(os.Getpid())
	if err != nil {
		return err
	}
	s := &Supervisor{
		opts: opts, report: report, spawner: process.NewSpawner(), exits: make(chan exit), stopping: make(chan struct{}),
		state: layout.State{Phase: layout.Starting, Started: time.Now().UTC(), Supervisor: self, Scenario: opts.Scenario},
	}
	// the addresses are given back only when nobody uses them any more
	defer func() {
		s.stop(err)
		if s.reservation != nil {
			_ = s.reservation.Close()
		}
	}()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	s.setPhase(layout.Ready)
	report.Ready()
	return s.watch(ctx)
}

// lockFolder keeps two supervisors out of one folder. The kernel gives the
// lock back however we end.
func lockFolder(dir layout.Dir) (func() error, error) {
	if err := os.MkdirAll(string(dir), 0o700); err != nil {
		return nil, err
	}
	f, err := os.Open(string(dir))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", dir, ErrBusy)
	}
	return f.Close, nil
}

// prepare reserves a share of the loopback network and writes every file the
// components read.
func (s *Supervisor) prepare(ctx context.Context) error {
	done := s.report.Step("prepare certificates and addresses")
	dir := s.opts.Dir
	reservation, err := slot.Reserve(ctx)
	if err != nil {
		return err
	}
	s.reservation = reservation
	s.cfg = layout.Config{
		Slot: reservation.Slot, Nodes: s.opts.Nodes, Rate: s.opts.Rate, Metrics: s.opts.Metrics != "",
		App: s.opts.App, Isolation: s.opts.Isolation,
	}
	if s.cfg.Isolation == "" {
		s.cfg.Isolation = process.Detect(ctx)
	}
	err = errors.Join(
		dir.WriteConfig(s.cfg),
		controlplane.WriteCertificates(dir),
		controlplane.WriteKubeconfigs(dir, s.cfg),
		controlplane.WriteAuditPolicy(dir),
		s.saveState(),
	)
	if err != nil {
		return fmt.Errorf("prepare sandbox: %w", err)
	}
	done()
	return nil
}

func (s *Supervisor) setPhase(p layout.Phase) {
	s.mu.Lock()
	s.state.Phase = p
	s.mu.Unlock()
	if err := s.saveState(); err != nil {
		fmt.Fprintln(os.Stderr, "save state:", err)
	}
}

func (s *Supervisor) saveState() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Components = s.state.Components[:0]
	for _, c := range s.children {
		s.state.Components = append(s.state.Components, layout.Component{Name: c.name, Process: c.id, Restarts: c.restarts})
	}
	return s.opts.Dir.WriteState(s.state)
}

// writeEnv writes what a shell sources to use the sandbox.
func (s *Supervisor) writeEnv() error {
	lines := [][2]string{
		{"KUBECONFIG", s.opts.Dir.Kubeconfig()},
		{"APP_URL", s.cfg.AppURL()},
		{"LOAD_URL", s.cfg.LoadURL()},
		{"AUDIT_LOG", s.opts.Dir.AuditLog()},
		{"APISERVER_PID", strconv.Itoa(s.pidOf(APIServer))},
	}
	var out []byte
	for _, l := range lines {
		out = fmt.Appendf(out, "%s=%s\n", l[0], shellQuote(l[1]))
	}
	return layout.Replace(s.opts.Dir.Env(), out)
}

func (s *Supervisor) pidOf(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.children {
		if c.name == name {
			return c.id.PID
		}
	}
	return 0
}

func dial(ctx context.Context, port int) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}
