package cli

import (
	"slices"
	"sync"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// redraw is the shortest time between two pictures: ten a second.
const redraw = 100 * time.Millisecond

// live is the view of a run on a terminal. Events only change the model; a
// painter of its own draws it, so the run never waits for the terminal. It
// draws below what is there and leaves the last picture there: the alternate
// screen would take the evidence along when it ends.
type live struct {
	app     *App
	mu      sync.Mutex
	m       *model
	paint   painter
	done    chan struct{}
	stopped chan struct{}
	once    sync.Once
}

func (a *App) newLive(p *executor.Program, past []journal.Event) *live {
	l := &live{app: a, m: newModel(p, past), paint: painter{w: canvas(a.Out)}, done: make(chan struct{}), stopped: make(chan struct{})}
	go l.loop()
	return l
}

// Event implements executor.Watcher.
func (l *live) Event(e journal.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m.event(e)
}

// Say implements executor.Watcher.
func (l *live) Say(p, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m.say(p, text)
}

func (l *live) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m.note(text)
}

func (l *live) loop() {
	defer close(l.stopped)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-tick.C:
			l.draw(false)
		}
	}
}

func (l *live) draw(last bool) {
	width, height := l.app.size()
	l.mu.Lock()
	f := frame{m: l.m, width: width - 1, now: time.Now(), last: last}
	if last {
		height = 0
	} else {
		height = max(height-1, 3) // the cursor stands below the picture
	}
	lines := f.lines(height)
	l.mu.Unlock()
	st := l.app.style(true)
	out := make([]string, len(lines))
	for i, s := range lines {
		out[i] = s.render(width-1, st)
	}
	l.paint.picture(out, width)
}

// interrupted shows a run whose executor is gone as what it is.
func (l *live) interrupted(s journal.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m.state.Status = s
}

func (l *live) close() {
	l.once.Do(func() {
		close(l.done)
		<-l.stopped
		l.draw(true)
	})
}

// same says whether two pictures are one.
func same(a, b []string) bool { return slices.Equal(a, b) }
