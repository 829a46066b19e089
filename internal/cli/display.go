package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// display shows a run as it goes. Nothing in it may stop or slow down the run:
// what it writes goes through a spool, and what cannot be shown is not shown.
type display interface {
	executor.Watcher
	note(text string) // about the run, from this program
	close()           // the last that it shows; it says nothing afterwards
}

// progress is how a run is shown.
type progress string

const (
	progressAuto  progress = "auto"
	progressTTY   progress = "tty"
	progressPlain progress = "plain"
	progressJSON  progress = "json"
)

func progressModes() []string {
	return []string{string(progressAuto), string(progressTTY), string(progressPlain), string(progressJSON)}
}

// progressMode resolves --progress. The live view needs a terminal that can
// move its cursor; a CI log may look like one and cannot.
func (a *App) progressMode() (progress, error) {
	mode := progress(a.flags.progress)
	switch {
	case mode != "" && !slices.Contains(progressModes(), string(mode)):
		return "", usage("use --progress "+strings.Join(progressModes(), ", "), fmt.Sprintf("unknown progress mode %q", mode))
	case mode == progressJSON, mode == progressPlain:
		return mode, nil
	case mode == progressTTY && (!a.OutTTY || a.Env("TERM") == "dumb"):
		return "", usage("use --progress plain", "the output is no terminal that can be drawn on")
	case a.data():
		return progressJSON, nil
	case mode == progressTTY:
		return mode, nil
	case a.OutTTY && a.Env("TERM") != "dumb" && a.Env("CI") == "" && !a.flags.quiet:
		return progressTTY, nil
	default:
		return progressPlain, nil
	}
}

// progressFlag adds --progress to a command that shows a run.
func (a *App) progressFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.flags.progress, "progress", string(progressAuto), "how the run is shown: auto (tty on a terminal, else plain), tty, plain, or json (the journal's events, one a line)")
}

// newDisplay makes the display of a run. The events of the past are those that
// were written before; they are taken as known and not shown again.
func (a *App) newDisplay(p *executor.Program, past []journal.Event) (display, error) {
	mode, err := a.progressMode()
	if err != nil {
		return nil, err
	}
	a.mode = mode
	switch mode {
	case progressJSON:
		return &events{app: a}, nil
	case progressTTY:
		return a.newLive(p, past), nil
	default:
		return a.newScreen(p), nil
	}
}

// machine says whether a program reads what is printed.
func (a *App) machine() bool { return a.data() || a.flags.progress == string(progressJSON) }

// events prints the journal as it grows: one event a line.
type events struct{ app *App }

// Event implements executor.Watcher.
func (d *events) Event(e journal.Event) {
	if b, err := json.Marshal(e); err == nil {
		fmt.Fprintln(d.app.Out, string(b))
	}
}

// Say implements executor.Watcher. What is not recorded is no event.
func (d *events) Say(string, string) {}

func (d *events) note(text string) {
	fmt.Fprintf(d.app.Err, "%s %s\n", d.app.style(d.app.ErrTTY).warn("note:"), text)
}

func (d *events) close() {}
