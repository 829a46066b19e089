package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
)

// scene is a world that a run acts on and that a test can look at: a database, a
// terraform directory. It is made anew for each trial.
type scene struct {
	args []string      // of runback, to begin the run
	env  []string      // on top of that of the program
	look func() string // what is there, without what differs between any two runs
	// safe says what is wrong in a world that a run has left at any moment.
	safe func() error
	// backend ends the sessions of the run at the server, where there is one.
	backend func()
}

// trial is one disturbance: who dies, and when: at a crash point of the
// executor, or a while after it passed one. The operator does not die, but
// presses Ctrl-C twice.
type trial struct {
	at    string
	after time.Duration
	dies  []string // executor, supervisor, child, backend, operator
}

func (d trial) String() string {
	when := strings.ReplaceAll(d.at, ":", " ")
	if d.after > 0 {
		when = d.after.Round(time.Millisecond).String() + " after " + when
	}
	return strings.Join(d.dies, "+") + " at " + when
}

func (d trial) kills(who string) bool { return slices.Contains(d.dies, who) }

// work is a stretch of a run in which an effect takes place: from the event that
// announces it to the one that records it.
type work struct {
	announced string // crash point
	took      time.Duration
}

// trials are all crash points of an undisturbed run, once for each company in
// which the executor may die, and as many moments while an effect takes place. n
// bounds their number.
func trials(rnd *rand.Rand, points []string, works []work, n int) []trial {
	companies := [][]string{{"executor"}, {"executor", "supervisor"}, {"executor", "backend"}, {"executor", "supervisor", "child"}, {"executor", "supervisor", "child", "backend"}}
	var at, during []trial
	for _, p := range points {
		for _, who := range companies {
			at = append(at, trial{at: p, dies: who})
		}
	}
	const moments = 25
	for _, w := range works {
		for i := range moments {
			for _, who := range append(companies, []string{"supervisor"}, []string{"child"}, []string{"backend"}, []string{"operator"}) {
				during = append(during, trial{at: w.announced, after: w.took*time.Duration(i)/moments + time.Millisecond, dies: who})
			}
		}
	}
	for _, list := range [][]trial{at, during} {
		rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	half := min((n+1)/2, len(at))
	return append(at[:half], during[:min(n-half, len(during))]...)
}

// works finds the effects in what a run printed, one event a line.
func works(t *testing.T, events string) (out []work) {
	t.Helper()
	type event struct {
		Seq        int
		Type, Path string
		Time       time.Time
	}
	open := map[string]event{}
	for line := range strings.Lines(events) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch e.Type {
		case "step.intent":
			open[e.Path] = e
		case "step.acted":
			out = append(out, work{fmt.Sprint("event:", open[e.Path].Seq), e.Time.Sub(open[e.Path].Time)})
		}
	}
	return out
}

// disturbed is what became of a trial.
type disturbed struct {
	code    int
	status  string
	resumes int
	out     string
	seen    string
}

// disturb runs a scene, lets die who shall die, and resumes until the run is
// over.
func disturb(t *testing.T, s *scene, d trial) disturbed {
	t.Helper()
	p := newProgram(t, &testcluster.Env{})
	p.bin, p.more = testcluster.Binary(t, "runback-crash"), s.env
	begin := append([]string{"run", "--yes", "--reason", "crash test"}, s.args...)
	res := p.until(d, s, begin)
	got := disturbed{}
	const cancelled = 5
	for (res.code == -1 || res.code == cancelled) && got.resumes < 5 {
		got.resumes++
		if err := s.safe(); err != nil {
			t.Errorf("after %s: %v", d, err)
		}
		var rows []struct{ ID, Status string }
		p.json(&rows, "runs")
		switch {
		case len(rows) == 0: // it died before the run began
			res = p.run(begin...)
		case !slices.Contains([]string{"running", "interrupted", "cancelled"}, rows[0].Status):
			res = p.run("status", rows[0].ID) // it died when the run was over
		default:
			res = p.run("resume", rows[0].ID)
		}
	}
	var rows []struct{ ID, Status string }
	p.json(&rows, "runs")
	got.code, got.status, got.out, got.seen = res.code, rows[0].Status, res.out+res.err, s.look()
	return got
}

// until runs the program until the disturbance took place, and then to its end.
func (p *program) until(d trial, s *scene, args []string) result {
	p.t.Helper()
	if d.after == 0 {
		res := p.dying(d.at, args...)
		p.others(d, s)
		return res
	}
	cmd := p.command(args...)
	log := p.state + "/points"
	cmd.Env = append(cmd.Env, "RUNBACK_CRASH_LOG="+log)
	over := make(chan result, 1)
	end := begin(p.t, cmd)
	go func() { over <- end() }()
	for passed := false; !passed; time.Sleep(2 * time.Millisecond) {
		select {
		case res := <-over:
			return res
		default:
		}
		b, _ := os.ReadFile(log) // it is not there in the beginning
		passed = slices.Contains(strings.Fields(string(b)), d.at)
	}
	time.Sleep(d.after)
	if d.kills("executor") {
		_ = cmd.Process.Signal(syscall.SIGKILL) // it may just have ended
	}
	if d.kills("operator") {
		_ = cmd.Process.Signal(syscall.SIGINT)
		time.Sleep(50 * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGINT)
	}
	p.others(d, s)
	return <-over
}

// others kills those who die with the executor, or instead of it.
func (p *program) others(d trial, s *scene) {
	p.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(p.state, "runback", "children", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, dir := range dirs {
		for _, who := range []string{"supervisor", "child"} {
			if d.kills(who) {
				killRecorded(p.t, filepath.Join(dir, who+".json"))
			}
		}
	}
	if d.kills("backend") && s.backend != nil {
		s.backend()
	}
}

// killRecorded kills a process by its record, if it is still that one.
func killRecorded(t testing.TB, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		return // it was not started
	}
	var rec struct {
		PID   int
		Start string
	}
	if err := json.Unmarshal(b, &rec); err != nil || rec.PID <= 1 {
		t.Fatalf("%s: %v %+v", file, err, rec)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", rec.PID))
	if err != nil || !strings.Contains(string(stat), " "+rec.Start+" ") {
		return // gone, or somebody else by now
	}
	_ = syscall.Kill(rec.PID, syscall.SIGKILL)
}

// disturbances tries a scene in many ways. Every run must end as the undisturbed
// one does, or say why not and leave a world that is whole.
func disturbances(t *testing.T, name string, begin func(t *testing.T) *scene) {
	n, seed := envInt("RUNBACK_DATA_TRIALS", 6), envInt("RUNBACK_CRASH_SEED", 1)
	rnd := rand.New(rand.NewPCG(uint64(seed), 1)) //nolint:gosec // a choice of tests
	calmScene := begin(t)
	before := calmScene.look()
	p := newProgram(t, &testcluster.Env{})
	p.bin, p.more = testcluster.Binary(t, "runback-crash"), calmScene.env
	calm := p.dying("", append([]string{"run", "-o", "json", "--yes", "--reason", "crash test"}, calmScene.args...)...)
	want := calmScene.look()
	if calm.code != 0 || want == before {
		t.Fatalf("undisturbed: exit code %d, %s\n%s%s", calm.code, want, calm.out, calm.err)
	}
	// Few at a time, so that a moment in the middle of the work is one.
	room := make(chan struct{}, 3)
	var mu sync.Mutex
	tally := map[string]int{}
	t.Run("at", func(t *testing.T) {
		for _, d := range trials(rnd, p.points(), works(t, calm.out), n) {
			t.Run(d.String(), func(t *testing.T) {
				t.Parallel()
				room <- struct{}{}
				defer func() { <-room }()
				s := begin(t)
				got := disturb(t, s, d)
				verdict := judge(t, s, d, got, before, want)
				mu.Lock()
				defer mu.Unlock()
				tally[verdict]++
				tally["resumed"] += min(got.resumes, 1)
			})
		}
	})
	t.Logf("%s, seed %d: undisturbed in %s with %d points; %d trials: %v", name, seed, calm.took.Round(time.Millisecond), len(p.points()), n, tally)
}

func judge(t *testing.T, s *scene, d trial, got disturbed, before, want string) string {
	t.Helper()
	if err := s.safe(); err != nil {
		t.Errorf("%v\n%s", err, got.out)
	}
	switch {
	case got.code == 0 && got.seen == want:
		return "as undisturbed"
	case got.code == 4:
		if !strings.Contains(got.out, "doubt") || !strings.Contains(got.out, "--skip") {
			t.Errorf("in doubt without an account:\n%s", got.out)
		}
		return "in doubt"
	case got.code == 1 && (got.seen == before || got.seen == want), got.code == 3 && got.seen == before:
		return "failed, nothing half done"
	case d.kills("operator") && got.code == 1 && strings.Contains(strings.Join(strings.Fields(got.out), " "), "was stopped (asked to)") && s.safe() == nil:
		return "stopped halfway, and says so"
	default:
		t.Errorf("exit code %d (%s); there is\n%s\nundisturbed it is\n%s\n%s", got.code, got.status, got.seen, want, got.out)
		return "wrong"
	}
}
