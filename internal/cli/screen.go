package cli

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// screen shows a run as it goes: one line for each step that ended, and a
// heartbeat while one is at work. It writes no cursor codes, so the same text
// serves a terminal, a pipe and a CI log.
type screen struct {
	app   *App
	st    style
	nodes map[string]*executor.Node
	depth map[string]int

	mu    sync.Mutex
	start map[string]time.Time
	text  map[string]string // preview of the change under way
	said  map[string]time.Time
	last  map[string]string
}

func (a *App) newScreen(p *executor.Program) *screen {
	s := &screen{app: a, st: a.style(a.OutTTY), nodes: map[string]*executor.Node{}, depth: map[string]int{},
		start: map[string]time.Time{}, text: map[string]string{}, said: map[string]time.Time{}, last: map[string]string{}}
	p.Walk(func(n *executor.Node, _ string, depth int) { s.nodes[n.Path], s.depth[n.Path] = n, depth })
	return s
}

func (s *screen) close() {}

// Event implements executor.Watcher.
func (s *screen) Event(e journal.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app.json() {
		b, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintln(s.app.Out, string(b))
		}
		return
	}
	if s.app.flags.quiet {
		return
	}
	s.show(e)
}

func (s *screen) show(e journal.Event) {
	switch e.Type {
	case journal.RunStarted:
		s.opening(e)
	case journal.RunResumed:
		fmt.Fprintf(s.app.Out, "%s %s\n", s.st.bold("RESUME"), e.Run)
	case journal.StepStart:
		s.start[e.Path], s.said[e.Path] = e.Time, e.Time
	case journal.BlockStart:
		fmt.Fprintf(s.app.Out, "  %s%s\n", strings.Repeat("  ", s.depth[e.Path]), s.st.bold(s.label(e.Path)))
	case journal.StepSkipped:
		k, _ := journal.Decode[journal.Skipped](e)
		s.line(e, s.st.dim("–"), "skipped", "because "+k.Guard.String())
	case journal.StepIntent:
		in, _ := journal.Decode[journal.Intent](e)
		s.text[e.Path] = strings.TrimSpace(in.Preview.Object + " " + in.Preview.Summary)
	case journal.StepProbed:
		p, _ := journal.Decode[journal.Probed](e)
		s.line(e, s.st.warn("?"), "probed", "the world says: "+p.Verdict.String())
	case journal.StepHeld:
		h, _ := journal.Decode[journal.Held](e)
		s.line(e, s.st.warn("॥"), "holding", h.Message)
	case journal.StepDone:
		s.done(e)
	case journal.StepFailed:
		f, _ := journal.Decode[journal.Failed](e)
		word := string(f.Status)
		if !f.Final {
			word = fmt.Sprintf("attempt %d", f.Attempt)
		}
		s.line(e, s.st.bad("✖"), word, f.Message)
		if f.Hint != "" && f.Final {
			s.under(e.Path, s.st.dim("hint: ")+f.Hint)
		}
	default: // the summary tells of ends, and an effect is told when its step is done
	}
}

func (s *screen) opening(e journal.Event) {
	r, _ := journal.Decode[journal.Started](e)
	w := s.app.Out
	fmt.Fprintf(w, "%s %s  %s %s  %s\n", s.st.bold("RUN"), s.st.bold(e.Run), r.Playbook, r.Version, r.Title)
	for _, p := range parts(r.Identity) {
		s.app.wrapped("    ", p.line())
	}
	fmt.Fprintf(w, "    budget %s, until %s; by %s: %q\n\n", s.budget(r, e), r.Deadline.Local().Format("15:04:05"), r.User, r.Reason)
}

func (s *screen) budget(r journal.Started, e journal.Event) string {
	return r.Deadline.Sub(e.Time).Round(time.Second).String()
}

func (s *screen) done(e journal.Event) {
	d, _ := journal.Decode[journal.Done](e)
	detail := s.text[e.Path]
	if detail == "" {
		detail = s.told(e.Path, d.Outputs)
	}
	s.line(e, s.st.good("✔"), "", detail)
	if d.Verified != nil {
		s.under(e.Path, s.st.dim("held: "+d.Verified.Source))
	}
}

func (s *screen) told(p string, out actions.Outputs) string {
	if n := s.nodes[p]; n != nil && n.Action != nil {
		if text := n.Action.Told(out); text != "" {
			return text
		}
	}
	return facts(out)
}

func (s *screen) line(e journal.Event, sign, word, detail string) {
	took := ""
	if t, ok := s.start[e.Path]; ok {
		took = seconds(e.Time.Sub(t))
	}
	indent := strings.Repeat("  ", s.depth[e.Path])
	label := s.label(e.Path)
	pad := strings.Repeat(" ", max(44-len([]rune(label))-len(indent), 1))
	uses := ""
	if n := s.nodes[e.Path]; n != nil {
		uses = n.Step.Uses
	}
	fmt.Fprintf(s.app.Out, "  %s%s %s%s%s %s\n", indent, sign, label, pad, s.st.info(fmt.Sprintf("%-20s", uses)), s.st.dim(took))
	if word != "" {
		detail = strings.TrimSpace(word + ": " + detail)
	}
	s.under(e.Path, detail)
}

// under prints detail below a step, no wider than the terminal.
func (s *screen) under(p, detail string) {
	if detail == "" {
		return
	}
	s.app.wrapped("      "+strings.Repeat("  ", s.depth[p]), detail)
}

func (s *screen) label(p string) string {
	if n := s.nodes[p]; n != nil {
		return n.Step.Label()
	}
	return path.Base(p)
}

// Say implements executor.Watcher. A line is shown when it is new and the last
// one of the step is a second old, or as a heartbeat every ten seconds.
func (s *screen) Say(p, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app.json() || s.app.flags.quiet {
		return
	}
	age := time.Since(s.said[p])
	if age < time.Second || line == s.last[p] && age < 10*time.Second {
		return
	}
	s.said[p], s.last[p] = time.Now(), line
	took := ""
	if t, ok := s.start[p]; ok {
		took = " " + seconds(time.Since(t))
	}
	if p == "" {
		s.app.wrapped("  ", s.st.warn(line))
		return
	}
	s.app.wrapped("  "+strings.Repeat("  ", s.depth[p]), s.st.dim("◌ "+s.label(p)+took+": "+line))
}

func (s *screen) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.app.Err, "%s %s\n", s.st.warn("note:"), text)
}

// lost tells of a run whose journal ended before it did.
func (s *screen) lost(state *journal.State) {
	s.note(fmt.Sprintf("run %s is not over; see: runback status %s", state.ID, state.ID))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
