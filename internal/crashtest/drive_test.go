package crashtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
)

// harness runs cells: executors with a store and a ledger of their own.
type harness struct {
	t       *testing.T
	part    string
	ledgers *ledgers
	dir     string
	next    atomic.Int64
	told    atomic.Int64
	begun   time.Time
}

func newHarness(t *testing.T, part string) *harness {
	t.Logf("%s: seed %d", part, *seed)
	return &harness{t: t, part: part, ledgers: serve(t), dir: t.TempDir(), begun: time.Now()}
}

// cell is one run on one store with one ledger, and what was seen of it.
type cell struct {
	h      *harness
	pb     playbook
	id     string
	dir    string
	ledger *ledger
	url    string
	label  string // says what was done to it
	counts counts
	acked  map[int]string // hashes of acknowledged events, by number
	ruled  map[string]bool
	tries  int
	told   bool // foreign effects were made: doubts are right
	base   *baseline
	log    []string
}

func (h *harness) cell(pb playbook, base *baseline, label string) *cell {
	id := fmt.Sprintf("%d", h.next.Add(1))
	l, url := h.ledgers.open(id)
	if pb.trouble != nil {
		pb.trouble(l)
	}
	c := &cell{h: h, pb: pb, id: id, dir: filepath.Join(h.dir, id), ledger: l, url: url, label: label, acked: map[int]string{}, ruled: map[string]bool{}, base: base}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		h.t.Error(err)
	}
	return c
}

// close drops what the cell used, and adds up what was seen.
func (c *cell) close() {
	c.h.ledgers.drop(c.id)
	results.add(c.h.part, c.pb.name, c.counts)
	if err := os.RemoveAll(c.dir); err != nil {
		c.h.t.Error(err)
	}
}

// result is what one executor did.
type result struct {
	code   int // -1: it was killed
	points []string
	acks   []record
	late   int // acknowledgements after the last point that it told of
	found  []record
	seen   bool // it told what it found
	end    *ending
	err    string
	stderr string
}

func (c *cell) job() job { return job{Dir: c.dir, Ledger: c.url, Playbook: c.pb.name, Run: "r-1"} }

// launch runs an executor to its end, whatever that is. Words before it (of
// strace) may be given.
func (c *cell) launch(j job, wrap ...string) result {
	p := c.start(j, wrap...)
	return p.wait()
}

// running is an executor that was started.
type running struct {
	c      *cell
	job    job
	cmd    *exec.Cmd
	out    string
	stderr *bytes.Buffer
	before []effect
	acked  map[int]string // by executors that had ended when this one began
}

func (c *cell) start(j job, wrap ...string) *running {
	text, err := json.Marshal(j)
	if err != nil {
		c.h.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		c.h.t.Fatal(err)
	}
	c.tries++
	out := filepath.Join(c.dir, "acks")
	f, err := os.Create(fmt.Sprintf("%s.%d", out, c.tries))
	if err != nil {
		c.h.t.Fatal(err)
	}
	argv := append(append([]string(nil), wrap...), self)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text), "GOMAXPROCS=2", "GOTRACEBACK=all", "GORACE=atexit_sleep_ms=0")
	cmd.Stdout = f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // strace and what it runs die together
	r := &running{c: c, job: j, cmd: cmd, out: f.Name(), stderr: &bytes.Buffer{}, before: c.ledger.snapshot(), acked: maps.Clone(c.acked)}
	cmd.Stderr = r.stderr
	if err := cmd.Start(); err != nil {
		c.h.t.Fatal(err)
	}
	_ = f.Close() // the child has its own
	return r
}

func (r *running) wait() result {
	limit := time.AfterFunc(60*time.Second, func() { _ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) })
	err := r.cmd.Wait()
	hung := !limit.Stop()
	res := result{code: r.cmd.ProcessState.ExitCode(), stderr: r.stderr.String()}
	if ws, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() || res.code == 128+int(syscall.SIGKILL) {
		res.code = -1 // strace ends as what it ran
	}
	if hung {
		r.c.finding(&r.c.counts.Other, "an executor hung: %s", res.stderr)
	} else if err != nil && res.code > exitOther {
		r.c.finding(&r.c.counts.Other, "an executor ended with %d: %s", res.code, res.stderr)
	}
	res.read(r)
	r.c.look(r, &res)
	return res
}

// read reads what the executor told. Its last line may be torn.
func (res *result) read(r *running) {
	f, err := os.Open(r.out)
	if err != nil {
		r.c.h.t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		switch {
		case l.Point != "":
			res.points, res.late = append(res.points, l.Point), 0
		case l.Ack != nil:
			res.acks = append(res.acks, *l.Ack)
			res.late++
		case l.Found != nil:
			res.found, res.seen = l.Found, true
		case l.End != nil:
			res.end = l.End
		case l.Error != "":
			res.err = l.Error
		}
	}
}

// finish resumes until the run is over. A person who looked at the ledger
// decides what is in doubt.
func (c *cell) finish() {
	j := c.job()
	for range 12 {
		res := c.launch(j)
		if res.code != exitOver || res.end == nil {
			c.finding(&c.counts.Unreadable, "a resume without any fault ended with %d: %s %s", res.code, res.err, res.stderr)
			return
		}
		if !res.end.Status.Resumable() {
			c.counts.Completed++
			c.ended(*res.end)
			return
		}
		if res.end.Status != journal.InDoubt {
			c.finding(&c.counts.Other, "the run is %s after a resume without any fault: %s", res.end.Status, res.end.Message)
			return
		}
		j.Decide = c.decide(*res.end)
	}
	c.finding(&c.counts.Other, "the run does not come to an end")
}

// each does something for many cells, some at a time.
func (h *harness) each(n int, do func(i int)) {
	var wg sync.WaitGroup
	var at atomic.Int64
	for range *workers {
		wg.Go(func() {
			for {
				i := int(at.Add(1)) - 1
				if i >= n || h.t.Failed() && h.told.Load() > 20 {
					return
				}
				do(i)
			}
		})
	}
	wg.Wait()
}
