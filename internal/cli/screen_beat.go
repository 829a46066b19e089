package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Say implements executor.Watcher. A line is shown when it is new and the last
// one of the step is a second old; one that stays the same is a heartbeat.
func (s *screen) Say(p, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app.flags.quiet {
		return
	}
	line = strings.TrimSpace(clean(line))
	age := time.Since(s.said[p])
	fresh := line != s.last[p]
	s.last[p] = line
	if age < time.Second || !fresh && age < heartbeat {
		return
	}
	s.said[p] = time.Now()
	if p == "" {
		s.app.wrapped("  ", s.st.warn(line))
		return
	}
	s.working(p)
}

// beat says of each step that is under way and silent that it is.
func (s *screen) beat() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			s.silent()
		}
	}
}

func (s *screen) silent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app.flags.quiet {
		return
	}
	for _, p := range slices.Sorted(maps.Keys(s.running)) {
		if time.Since(s.said[p]) >= heartbeat {
			s.said[p] = time.Now()
			s.working(p)
		}
	}
}

// working tells of a step that is under way: for how long, of how long, and
// what it said last.
func (s *screen) working(p string) {
	text := "◌ " + s.label(p)
	if t, ok := s.start[p]; ok {
		text += " " + short(time.Since(t))
		if d := s.running[p].Deadline; !d.IsZero() {
			text += " of " + allowed(d.Sub(t))
		}
	}
	if s.last[p] != "" {
		text += ": " + s.last[p]
	}
	s.app.wrapped("  "+strings.Repeat("  ", depthOf(p)), s.st.dim(text))
}

func (s *screen) note(text string) {
	fmt.Fprintf(s.app.Err, "%s %s\n", s.app.style(s.app.ErrTTY).warn("note:"), text)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
