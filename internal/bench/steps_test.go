package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
)

// program is the real one with a journal of its own.
type program struct {
	b          *testing.B
	bin, state string
	more       []string
}

func newProgram(b *testing.B) *program {
	b.Helper()
	return &program{b: b, bin: testcluster.Binary(b, "runback"), state: b.TempDir()}
}

// spent is what one process took.
type spent struct {
	wall time.Duration
	peak float64 // MiB
}

func (p *program) run(args ...string) spent {
	p.b.Helper()
	cmd := exec.Command(p.bin, args...)
	cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+p.state), p.more...)
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		p.b.Fatalf("%v: %v\n%s", args, err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		p.b.Fatal("no usage is known")
	}
	return spent{took, float64(usage.Maxrss) / 1024}
}

func playbook(b *testing.B, body string) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "bench.yaml")
	text := "apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: bench, version: 1.0.0}\nspec:\n  budget: 30m\n  steps:\n" + body
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

// listed writes n steps one after the other.
func listed(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "    - {id: s%d, uses: time.sleep, with: {for: 0s}}\n", i)
	}
	return s.String()
}

// turned writes n steps as turns of blocks of a thousand.
func turned(n int) string {
	var s strings.Builder
	for block := range n / 1000 {
		items := strings.TrimSuffix(strings.Repeat("0,", 1000), ",")
		fmt.Fprintf(&s, "    - id: b%d\n      foreach: [%s]\n      steps: [{id: s%d, uses: time.sleep, with: {for: 0s}}]\n", block, items, block)
	}
	return s.String()
}

// BenchmarkRun runs playbooks with a durable journal, the whole process.
func BenchmarkRun(b *testing.B) {
	for _, tc := range []struct {
		name  string
		steps int
		body  string
	}{
		{"1", 1, listed(1)}, {"1000", 1000, listed(1000)}, {"foreach1000", 1000, turned(1000)}, {"foreach10000", 10000, turned(10000)},
	} {
		b.Run(tc.name, func(b *testing.B) {
			p, file := newProgram(b), playbook(b, tc.body)
			p.run("run", file, "--yes", "--reason", "first", "-q") // makes the journal
			var peak float64
			for b.Loop() {
				peak = max(peak, p.run("run", file, "--yes", "--reason", "bench", "-q").peak)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/run")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*tc.steps), "µs/step")
			b.ReportMetric(peak, "MiB-peak")
		})
	}
}

// BenchmarkStart starts the program and does nothing with it: what of a run of
// one step is the start of a process.
func BenchmarkStart(b *testing.B) {
	p := newProgram(b)
	for b.Loop() {
		p.run("version")
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/run")
}

// BenchmarkFloor starts a program that imports what ours stands on and does
// nothing: what a start takes at the least.
func BenchmarkFloor(b *testing.B) {
	bin := filepath.Join(b.TempDir(), "floor")
	if out, err := exec.Command("go", "build", "-o", bin, "./testdata/floor").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	p := &program{b: b, bin: bin, state: b.TempDir()}
	for b.Loop() {
		p.run()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/run")
}

// BenchmarkSync writes 4 KiB to a file and syncs it: what the disk here takes for
// one durable event at the least.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
