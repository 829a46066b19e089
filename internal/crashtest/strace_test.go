package crashtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// needStrace fails, rather than skips, where strace is missing: a test that is
// left out proves nothing.
func needStrace(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-V").CombinedOutput(); err != nil {
		t.Fatalf("strace is needed to take system calls away, and is not here (apt-get install strace): %v %s", err, out)
	}
}

// calls are those that change a file or a folder, or make it durable.
const calls = "pwrite64,write,pwritev,fdatasync,fsync,ftruncate,fallocate,open,openat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2"

// call is one system call on a file of the store, or a line to the test.
type call struct {
	name   string
	nth    int    // of the calls of this name, counted from 1
	file   string // base name; "state" for the folder, "cell" for the one that holds it
	args   string
	result string
	failed bool
	fault  bool // it was injected
}

// acks says whether the call tells of an event that was acknowledged.
func (k call) acks() bool {
	m := textPattern.FindStringSubmatch(k.args)
	return strings.HasPrefix(k.file, "acks.") && m != nil && strings.HasPrefix(string(unhex(m[1])), `{"Ack":`)
}

func (c *cell) stateDir() string { return filepath.Join(c.dir, "state") }

// files are what strace looks at.
func (c *cell) files() []string {
	out := []string{"-P", c.dir, "-P", c.stateDir()}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		out = append(out, "-P", c.job().file()+suffix)
	}
	return out
}

// strace gives the words that run an executor under strace. The lines that it
// tells the test are seen too, when told says so.
func (c *cell) strace(told bool, bytes int, inject ...string) []string {
	w := []string{"strace", "-f", "-qq", "-y", "-e", "signal=none", "-xx", "-s", fmt.Sprint(bytes), "-o", c.traceFile(), "-e", "trace=" + calls}
	// With the filter strace is told of few calls and is fast. Where a call is
	// to kill it must go without: strace 6.1 then kills nobody.
	if len(inject) == 0 || strings.Contains(inject[0], "error=") {
		w = append(w, "--seccomp-bpf")
	}
	for _, i := range inject {
		w = append(w, "-e", "inject="+i)
	}
	w = append(w, c.files()...)
	if told {
		w = append(w, "-P", fmt.Sprintf("%s.%d", filepath.Join(c.dir, "acks"), c.tries+1))
	}
	return w
}

func (c *cell) traceFile() string { return filepath.Join(c.dir, "trace") }

// 1234  pwrite64(7</tmp/x/state/runback.db>, "\x00..."..., 4096, 0) = 4096 (INJECTED)
var callPattern = regexp.MustCompile(`^\d+ +(\w+)\((.*)\) += (-?\w+)(.*)$`)

var resumedPattern = regexp.MustCompile(`^\d+ +<\.\.\. \w+ resumed>(.*)$`)

// trace reads what strace wrote.
func (c *cell) trace() []call {
	f, err := os.Open(c.traceFile())
	if err != nil {
		c.h.t.Error(err)
		return nil
	}
	defer func() { _ = f.Close() }()
	var out []call
	count, open := map[string]int{}, map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		text := lines.Text()
		pid, _, _ := strings.Cut(text, " ")
		if begun, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			open[pid] = begun
			continue
		}
		if m := resumedPattern.FindStringSubmatch(text); m != nil {
			text = open[pid] + m[1]
		}
		m := callPattern.FindStringSubmatch(text)
		if m == nil { // "= ?": the executor was killed and the call did nothing
			continue
		}
		count[m[1]]++
		k := call{name: m[1], nth: count[m[1]], args: m[2], result: m[3], failed: strings.HasPrefix(m[3], "-"), fault: strings.Contains(m[4], "INJECTED")}
		k.file = c.fileOf(k)
		out = append(out, k)
	}
	if err := lines.Err(); err != nil {
		c.h.t.Error(err)
	}
	return out
}

var fdPattern = regexp.MustCompile(`^(?:AT_FDCWD|\d+)<([^>]*)>`)
var textPattern = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)

// fileOf says which file a call is about.
func (c *cell) fileOf(k call) string {
	path := ""
	switch k.name {
	case "open", "openat", "mkdir", "mkdirat", "unlink", "unlinkat":
		if m := textPattern.FindStringSubmatch(k.args); m != nil {
			path = string(unhex(m[1]))
		}
	default:
		if m := fdPattern.FindStringSubmatch(k.args); m != nil {
			path = unhexPath(m[1])
		}
	}
	switch path {
	case c.dir:
		return "cell"
	case c.stateDir():
		return "state"
	}
	return filepath.Base(path)
}

func unhex(s string) []byte {
	out := make([]byte, 0, len(s)/4)
	for i := 0; i+3 < len(s); i += 4 {
		out = append(out, digit(s[i+2])<<4|digit(s[i+3]))
	}
	return out
}

// unhexPath reads a path that may be written in hex or not.
func unhexPath(s string) string {
	if strings.HasPrefix(s, `\x`) {
		return string(unhex(s))
	}
	return s
}

func digit(b byte) byte {
	if b >= 'a' {
		return b - 'a' + 10
	}
	return b - '0'
}
