package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/runbackhq/runback/executor"
)

// errNow is the cause of a context that the operator ended with a second
// signal.
var errNow = errors.New("stopped at once")

// signals gives a context and a channel: the first signal closes the channel
// (stop at the next safe point), the second ends the context (stop now). A
// terminal that is closed is no request to stop: what has begun is finished,
// and the journal tells how.
func (a *App) signals(parent context.Context, screen *watched) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	h := &handler{app: a, screen: screen, cancel: cancel, stop: make(chan struct{}), hold: make(chan os.Signal, 2), hang: make(chan os.Signal, 1)}
	done, finished := make(chan struct{}), make(chan struct{})
	// A reader that goes away (head, a pager) must not end a run half-way, nor
	// change its exit code. The signal is caught, not ignored: children would
	// inherit that. It stays caught, because the last words come after the run.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signal.Notify(h.hold, os.Interrupt, syscall.SIGTERM)
	signal.Notify(h.hang, syscall.SIGHUP)
	go func() {
		defer close(finished)
		h.listen(done)
	}()
	return ctx, h.stop, func() {
		signal.Stop(h.hold)
		close(done)
		<-finished
		cancel(nil)
	}
}

type handler struct {
	app        *App
	screen     *watched
	cancel     context.CancelCauseFunc
	stop       chan struct{}
	hold, hang chan os.Signal
	asked      int
}

func (h *handler) listen(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-h.hang:
			for _, s := range h.app.spools {
				s.hangUp()
			}
		case <-h.hold:
			h.interrupt()
		}
	}
}

func (h *handler) interrupt() {
	h.asked++
	run := h.screen.run.Load()
	switch {
	case run == nil:
		h.screen.note("stopping; nothing has begun")
		h.cancel(executor.Stopped(errNow))
	case h.asked == 1:
		h.screen.note("stopping after the current step; press Ctrl-C again to stop now; go on later with: " + h.app.command("resume "+*run))
		close(h.stop)
	default:
		h.screen.note("stopping now; what the current step did is asked of the target when you go on with: " + h.app.command("resume "+*run))
		h.cancel(executor.Stopped(errNow))
	}
}
