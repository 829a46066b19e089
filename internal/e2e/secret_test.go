package e2e

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// forms are the ways in which a password may be written.
func forms(password string) []string {
	return []string{
		password, url.QueryEscape(password), url.PathEscape(password), url.UserPassword("u", password).String()[2:],
		strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(password), strings.ReplaceAll(password, "'", "''"), strings.Trim(jsonText(password), `"`),
	}
}

func holds(text, password string) bool {
	for _, f := range forms(password) {
		if strings.Contains(text, f) {
			return true
		}
	}
	return false
}

// TestPasswordIsNowhere downgrades and restores with a password that is hard to
// quote, looks at every process of the run all the time, and afterwards at
// everything that was written and said.
func TestPasswordIsNowhere(t *testing.T) {
	t.Parallel()
	dir := migrations(t)
	migrated := migratedDatabase(t)
	shop, archive := shopDatabase(t)
	for name, run := range map[string]struct{ playbook, name string }{
		"downgrade": {fmt.Sprintf(downgradePlaybook, migrated.url(), passwordEnv, dir, dir, dir), "back-three"},
		"restore":   {fmt.Sprintf(restorePlaybook, shop.url(), passwordEnv, archive, shopRows), "back-to-backup"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, &testcluster.Env{})
			p.more = append(migrated.env(), "PYTHONDONTWRITEBYTECODE=1")
			file := writePlaybook(t, run.playbook)
			said := p.must(0, "plan", file, "-o", p.state+"/plan.json")
			cmd := p.command("run", file, "--yes", "--reason", "test", "-o", "json")
			over := make(chan result, 1)
			end := begin(t, cmd)
			go func() { over <- end() }()
			var res result
			seen, looked := map[string]bool{}, 0
			for done := false; !done; looked++ {
				select {
				case res = <-over:
					done = true
				case <-time.After(5 * time.Millisecond):
				}
				processesOf(p, cmd.Process, seen)
			}
			if res.code != 0 {
				t.Fatalf("%d\n%s%s", res.code, res.out, res.err)
			}
			if len(seen) < 2 || looked < 20 {
				t.Errorf("only %d processes seen in %d looks", len(seen), looked)
			}
			for what, bad := range seen {
				if bad {
					t.Errorf("%s holds the password", what)
				}
			}
			status := p.must(0, "status", "last", "-o", "json")
			if holds(said.out+said.err+res.out+res.err+status.out, testpostgres.Password()) {
				t.Error("the program says the password")
			}
			files(t, p.state)
		})
	}
}

// files looks into everything that a run left.
func files(t *testing.T, dir string) {
	t.Helper()
	n := 0
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		n++
		if holds(string(b), testpostgres.Password()) {
			t.Errorf("%s holds the password", path)
		}
		return err
	}); err != nil || n < 2 {
		t.Errorf("%d files: %v", n, err)
	}
}

// processesOf looks at the argument list of every process, and at the variables
// of those that the program started; its own hold what it was given.
func processesOf(p *program, own *os.Process, seen map[string]bool) {
	found, _ := filepath.Glob("/proc/[0-9]*")
	mine, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", own.Pid))
	for _, dir := range found {
		args, _ := os.ReadFile(dir + "/cmdline") // it may be gone
		env, _ := os.ReadFile(dir + "/environ")
		pid, _ := strconv.Atoi(filepath.Base(dir))
		name, _, _ := strings.Cut(string(args), "\x00")
		ours := strings.Contains(string(env), "XDG_STATE_HOME="+p.state)
		// A process that was just forked has the memory of the one that forks it,
		// until it becomes another program.
		if pid == own.Pid || len(mine) > 0 && string(args) == string(mine) {
			env, ours = nil, false
		}
		bad := holds(string(args), testpostgres.Password()) || ours && holds(string(env), testpostgres.Password())
		if ours || bad {
			key := filepath.Base(name) + " " + filepath.Base(dir)
			seen[key] = seen[key] || bad
		}
	}
}
