package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/terminal"
	"github.com/runbackhq/runback/internal/testcluster"
)

var screens = flag.Bool("screens", false, "write docs/screens from runs of the real program; see make screens")

// shot is one capture: a command line, and what its terminal shows at the end
// or, with at, when that is there for the first time.
type shot struct {
	name, title string
	code        int
	args        []string
	kube        string
	env         []string
	at          string
	keys        string // typed when at is there
	after       func() // done when at is there
}

// album takes captures at one width.
type album struct {
	t     testing.TB
	p     *program
	width int
	dir   string
	pages *[]string
}

func (a *album) take(s shot) {
	a.t.Helper()
	p := *a.p
	if s.kube != "" {
		p.kube = s.kube
	}
	cmd := p.command(s.args...)
	cmd.Env = append(append(cmd.Env, "TERM=xterm-256color", "LANG=C.UTF-8"), s.env...)
	term := terminal.Start(a.t, cmd, a.width, 48)
	text := ""
	if s.at != "" {
		term.Await(s.at)
		text = term.Text()
		if s.after != nil {
			s.after()
		}
		if s.keys != "" {
			term.Type(s.keys)
		}
	}
	code := term.Wait()
	if s.at == "" || s.keys != "" || s.after != nil {
		text = term.Text()
	}
	if code != s.code && s.code >= 0 {
		a.t.Errorf("%s at %d columns: exit code %d, want %d\n%s", s.name, a.width, code, s.code, text)
	}
	if odd := term.Odd(); len(odd) > 0 {
		a.t.Errorf("%s at %d columns: %q", s.name, a.width, odd)
	}
	a.file(s, text)
}

// file writes a capture, without the folders of the machine that made it.
func (a *album) file(s shot, text string) {
	a.t.Helper()
	text = strings.ReplaceAll(text, a.p.state, "~/.local/state")
	text = strings.ReplaceAll(text, a.p.env.Dir, "~/sandbox")
	line := "$ runback " + strings.Join(quoted(s.args), " ")
	for _, e := range s.env {
		line = strings.Replace(line, "$ ", "$ "+e+" ", 1)
	}
	text = line + "\n" + strings.TrimRight(text, "\n") + "\n"
	name := fmt.Sprintf("%s-%d.txt", s.name, a.width)
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
	if a.width == 80 {
		exit := ""
		if s.code >= 0 {
			exit = fmt.Sprintf(" Exit code %d.", s.code)
		}
		*a.pages = append(*a.pages, fmt.Sprintf("## %s\n\n%s [At 140 columns](screens/%s-140.txt).\n\n```text\n%s```\n", s.title, strings.TrimSpace(exit), s.name, text))
	}
}

func quoted(args []string) []string {
	var out []string
	for _, a := range args {
		if strings.ContainsAny(a, " ") {
			a = `"` + a + `"`
		}
		out = append(out, a)
	}
	return out
}

// TestScreens takes the captures of docs/screens from real runs on a sandbox.
func TestScreens(t *testing.T) {
	widths := []int{80}
	dir := t.TempDir()
	if *screens {
		widths, dir = []int{80, 140}, filepath.Join("..", "..", "docs", "screens")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pages := []string{"# Screens\n\nWhat Runback shows, from real runs on a sandbox, taken by `make screens`. The live view\ndraws in place; its last picture and the summary stay in the scrollback.\n"}
	for _, width := range widths {
		env := testcluster.Up(t, "canary")
		a := &album{t: t, p: newProgram(t, env), width: width, dir: dir, pages: &pages}
		a.p.state = shortDir(t)
		a.working()
		a.refused()
		a.ended()
		a.mistaken()
	}
	if *screens {
		if err := os.WriteFile(filepath.Join(dir, "..", "screens.md"), []byte(strings.Join(pages, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shortDir is a folder with a short name: long ones take the room of what is
// to be seen.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (a *album) write(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.p.state, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func run(name string, more ...string) []string {
	return append([]string{"run", name, "--yes", "--reason", "5xx after deploy 1.5.0"}, more...)
}

// working shows what goes well: a plan, a run under way, its end.
func (a *album) working() {
	a.take(shot{name: "plan", title: "A plan", args: []string{"plan", "canary"}})
	a.take(shot{name: "plan-pending", title: "A plan for a script: changes are pending", code: 2, args: []string{"plan", "canary", "--detailed-exitcode", "--quiet"}})
	a.take(shot{name: "left-out-refused", title: "A step left out that another one needs", code: 3, args: run("canary", "--skip", "traffic")})
	a.p.must(0, "plan", "canary", "-o", "plan.json")
	a.take(shot{name: "live", title: "A run under way", args: run("canary", "--set", "drain=6s"), at: "◌ running  Let the last requests"})
	a.take(shot{name: "status", title: "How a run stands", args: []string{"status", "last"}})
	a.take(shot{name: "drift", title: "A saved plan that is no longer so", code: 3, args: []string{"run", "--plan", "plan.json", "--yes", "--reason", "5xx after deploy 1.5.0"}})
	a.take(shot{name: "done", title: "A run that has nothing left to do", args: run("canary")})
	a.take(shot{name: "plain", title: "The same as plain lines", args: run("canary", "--progress", "plain")})
}

// refused shows what is not begun.
func (a *album) refused() {
	w := newWorld(a.t, a.p.env)
	a.take(shot{name: "missing-object", title: "An object that is not there", code: 3, args: run("canary", "--set", "route=app-rout")})
	a.take(shot{name: "unreachable", title: "A cluster that does not answer", code: 1, args: []string{"plan", "canary"}, kube: kubeconfig(a.t, a.p.env, nowhere)})
	a.take(shot{name: "expired", title: "Credentials that have expired", code: 3, args: []string{"plan", "canary"}, kube: kubeconfig(a.t, a.p.env, withToken("expired"))})
	a.take(shot{name: "forbidden", title: "A permission that is missing", code: 3, args: []string{"plan", "canary"}, kube: kubeconfig(a.t, a.p.env, withToken(w.stranger()))})
	a.take(shot{name: "no-store", title: "No place for a journal", code: 8, args: run("canary"), env: []string{"XDG_STATE_HOME=/dev/null"}})
}

const screenHead = "apiVersion: runback/v1\nkind: Playbook\n"

// ended shows how runs end that do not end well.
func (a *album) ended() {
	a.write("fails.yaml", screenHead+`metadata: {name: fails, version: 1.0.0, title: A rollback that fails}
spec:
  budget: 1m
  steps:
    - {id: look, name: Look at the disk, uses: time.sleep, with: {for: 100ms}}
    - {id: restore, name: Restore the files, uses: command.run, with: {args: [/bin/sh, -c, 'echo "restoring"; echo "no space left on device" >&2; exit 3']}}
    - {id: start, name: Start the service again, uses: time.sleep, with: {for: 100ms}}
  finally:
    - {id: tell, name: Look at what is there, uses: command.look, with: {args: [/bin/echo, 2 of 5 files]}}
`)
	a.write("late.yaml", screenHead+`metadata: {name: late, version: 1.0.0, title: A rollback that takes too long}
spec:
  budget: 2s
  steps:
    - {id: wait, name: Wait for the last requests, uses: time.sleep, with: {for: 1h}}
`)
	a.write("slow.yaml", screenHead+`metadata: {name: slow, version: 1.0.0, title: A rollback that takes its time}
spec:
  budget: 2m
  steps:
    - {id: first, name: Look at the queue, uses: time.sleep, with: {for: 100ms}}
    - {id: drain, name: Let the queue run empty, uses: command.run, with: {args: [/bin/sh, -c, ': > begun; i=9; while [ $i -gt 0 ]; do echo $i messages left; i=$((i-1)); sleep 0.4; done']}}
    - {id: last, name: Stop the workers, uses: time.sleep, with: {for: 100ms}}
`)
	a.take(shot{name: "failed", title: "A step that fails", code: 1, args: run("./fails.yaml")})
	a.take(shot{name: "late", title: "A budget that is spent", code: 7, args: run("./late.yaml")})
	a.take(shot{name: "cancelled", title: "Ctrl-C once: it stops after the step", code: 5, args: run("./slow.yaml"), at: "8 messages left", keys: "\x03"})
	a.take(shot{name: "resumed", title: "The run goes on", args: []string{"resume", "last"}})
	a.doubt()
}

// doubt kills a run together with the supervisor of its command: nobody saw how
// the command ended.
func (a *album) doubt() {
	_ = os.Remove(filepath.Join(a.p.state, "begun"))
	cmd := a.p.command(run("./slow.yaml")...)
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	for range 600 {
		if _, err := os.Stat(filepath.Join(a.p.state, "begun")); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	a.take(shot{name: "locked", title: "A run that somebody else runs", code: 6, args: []string{"resume", "last"}})
	kill := exec.Command("/bin/sh", "-c", `dir=$(ls -td runback/children/*/ | head -1); pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "${dir}supervisor.json"); kill -9 "$pid"`)
	kill.Dir = a.p.state
	if out, err := kill.CombinedOutput(); err != nil {
		a.t.Fatalf("%v %s", err, out)
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	a.take(shot{name: "in-doubt", title: "An outcome that nobody knows", code: 4, args: []string{"resume", "last"}})
}

// mistaken shows what is said of mistakes.
func (a *album) mistaken() {
	a.write("bad.yaml", screenHead+`metadata: {name: bad, version: 1.0.0}
spec:
  budget: 1m
  steps:
    - {id: scale, uses: k8s.scal, with: {deployment: app}}
    - id: move
      uses: k8s.scale
      with: {deploymnt: app, replicas: 3}
      when: steps.later.outputs.ready > 1
`)
	a.take(shot{name: "invalid", title: "Mistakes in a playbook", code: 65, args: []string{"validate", "bad.yaml"}})
	a.take(shot{name: "input", title: "An input that does not fit", code: 65, args: []string{"plan", "canary", "--set", "replicas=none"}})
	a.take(shot{name: "usage", title: "A mistake on the command line", code: 64, args: []string{"plna", "canary"}})
	a.take(shot{name: "runs", title: "The history", args: []string{"runs"}})
}
