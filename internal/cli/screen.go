package cli

import (
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// heartbeat is how long a step may be silent: whoever reads a log must be able
// to tell a slow step from a dead program.
const heartbeat = 10 * time.Second

// screen shows a run line by line: one for each step that ended, and a
// heartbeat while one is at work. It writes no cursor codes, so the same text
// serves a pipe, a CI log and a simple terminal.
type screen struct {
	app  *App
	st   style
	prog *executor.Program
	done chan struct{}
	over sync.WaitGroup

	mu      sync.Mutex
	start   map[string]time.Time
	running map[string]journal.Began
	text    map[string]string // preview of the change under way
	said    map[string]time.Time
	last    map[string]string
}

func (a *App) newScreen(p *executor.Program) *screen {
	s := &screen{app: a, st: a.style(a.OutTTY), prog: p, done: make(chan struct{}),
		start: map[string]time.Time{}, running: map[string]journal.Began{}, text: map[string]string{}, said: map[string]time.Time{}, last: map[string]string{}}
	s.over.Go(s.beat)
	return s
}

func (s *screen) close() {
	close(s.done)
	s.over.Wait()
}

// Event implements executor.Watcher.
func (s *screen) Event(e journal.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(e)
	if !s.app.flags.quiet {
		s.show(e)
	}
	if _, on := s.running[e.Path]; !on && e.Path != "" {
		s.forget(e.Path)
	}
}

// forget lets go of what was kept of a step that is over.
func (s *screen) forget(p string) {
	delete(s.start, p)
	delete(s.said, p)
	delete(s.text, p)
	delete(s.last, p)
}

// keep notes which steps are under way.
func (s *screen) keep(e journal.Event) {
	switch e.Type {
	case journal.StepStart:
		s.start[e.Path], s.said[e.Path] = e.Time, time.Now()
		s.running[e.Path], _ = journal.Decode[journal.Began](e)
	case journal.StepDone, journal.StepSkipped:
		delete(s.running, e.Path)
	case journal.StepFailed:
		if f, _ := journal.Decode[journal.Failed](e); f.Final {
			delete(s.running, e.Path)
		}
	default: // nothing begins or ends
	}
}

func (s *screen) show(e journal.Event) {
	switch e.Type {
	case journal.RunStarted:
		s.opening(e)
	case journal.RunResumed:
		fmt.Fprintf(s.app.Out, "%s %s\n", s.st.bold("RESUME"), e.Run)
	case journal.BlockStart:
		fmt.Fprintf(s.app.Out, "  %s%s\n", strings.Repeat("  ", depthOf(e.Path)), s.st.bold(s.label(e.Path)))
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
		s.ended(e)
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
	fmt.Fprintf(w, "%s %s  %s %s  %s\n", s.st.bold("RUN"), s.st.bold(e.Run), r.Playbook, r.Version, clean(r.Title))
	for _, p := range parts(r.Identity) {
		s.app.wrapped("    ", p.line())
	}
	fmt.Fprintf(w, "    budget %s, until %s; by %s: %q\n", s.budget(r, e), r.Deadline.Local().Format("15:04:05"), r.User, r.Reason)
	for _, l := range r.Left {
		s.app.wrapped("    ", s.st.warn("left out: ")+l.Path)
	}
	fmt.Fprintln(w)
}

func (s *screen) budget(r journal.Started, e journal.Event) string {
	return r.Deadline.Sub(e.Time).Round(time.Second).String()
}

func (s *screen) ended(e journal.Event) {
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
	if n := s.prog.At(p); n != nil && n.Action != nil {
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
	indent := strings.Repeat("  ", depthOf(e.Path))
	label := s.label(e.Path)
	pad := strings.Repeat(" ", max(44-len([]rune(label))-len(indent), 1))
	uses := ""
	if n := s.prog.At(e.Path); n != nil {
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
	s.app.wrapped("      "+strings.Repeat("  ", depthOf(p)), detail)
}

func (s *screen) label(p string) string {
	if n := s.prog.At(p); n != nil {
		return n.Step.Label()
	}
	return path.Base(p)
}
