package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// patience is how long a command may work without a word.
const patience = time.Second

// planWatch tells on stderr which step is being planned, once planning takes
// longer than anybody likes to look at nothing.
type planWatch struct {
	app   *App
	total int
	names map[string]string
	begun time.Time

	mu   sync.Mutex
	n    int
	path string
	seen map[string]bool
	done chan struct{}
	over sync.WaitGroup
}

func (a *App) watchPlan(p *executor.Program) *planWatch {
	w := &planWatch{app: a, names: map[string]string{}, seen: map[string]bool{}, begun: time.Now(), done: make(chan struct{})}
	p.Walk(func(n *executor.Node, _ string, _ int) {
		w.names[n.Path] = n.Step.Label()
		w.total++
	})
	if !a.flags.quiet {
		w.over.Go(w.beat)
	}
	return w
}

// Event implements executor.Watcher. A plan records nothing.
func (w *planWatch) Event(journal.Event) {}

// Say implements executor.Watcher.
func (w *planWatch) Say(path, _ string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path == w.path || w.names[path] == "" {
		return
	}
	if !w.seen[path] {
		w.seen[path] = true
		w.n++
	}
	w.path = path
}

func (w *planWatch) beat() {
	tick := time.NewTicker(patience)
	defer tick.Stop()
	said, at := "", time.Time{}
	for {
		select {
		case <-w.done:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		path, n := w.path, w.n
		w.mu.Unlock()
		if path == said && time.Since(at) < heartbeat {
			continue
		}
		said, at = path, time.Now()
		st := w.app.style(w.app.ErrTTY)
		if path == "" {
			fmt.Fprintln(w.app.Err, st.dim(fmt.Sprintf("◌ asking the target who it is, %s", short(time.Since(w.begun)))))
			continue
		}
		fmt.Fprintln(w.app.Err, st.dim(fmt.Sprintf("◌ planning %d of %d: %s, %s", n, w.total, clean(w.names[path]), short(time.Since(w.begun)))))
	}
}

func (w *planWatch) close() {
	close(w.done)
	w.over.Wait()
}
