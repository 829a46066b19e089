package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// App is the program with everything it takes from its surroundings, so that
// a test can run it whole.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) string
	InTTY    bool // a person can be asked
	OutTTY   bool
	ErrTTY   bool
	Width    int
	Plugin   bool              // called as kubectl-runback
	Size     func() (int, int) // of the terminal as it is now; nil: it does not change

	flags  globalFlags
	crash  crashPoints
	mode   progress
	spools []*spool // what is printed while a run goes on
}

// Main runs the program of the operating system and gives its exit code.
func Main(ctx context.Context) int {
	width, _ := terminalSize()
	app := &App{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Width: width, Size: terminalSize,
		InTTY: term.IsTerminal(int(os.Stdin.Fd())), OutTTY: term.IsTerminal(int(os.Stdout.Fd())), ErrTTY: term.IsTerminal(int(os.Stderr.Fd())),
	}
	return app.Run(ctx, app.calledAs(os.Args))
}

// calledAs gives the arguments as they are meant under the name of the program:
// kubectl finds kubectl-runback on the path and runs it as "kubectl runback",
// and asks kubectl_complete-runback for completions.
func (a *App) calledAs(args []string) []string {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	a.Plugin = strings.HasPrefix(name, "kubectl")
	if name == "kubectl_complete-runback" {
		return append([]string{cobra.ShellCompRequestCmd}, args[1:]...)
	}
	return args[1:]
}

// terminalSize is what can be drawn on: 80 by 24 where nobody says.
func terminalSize() (width, height int) {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// size is the terminal as it is now: people resize their windows.
func (a *App) size() (width, height int) {
	if a.Size == nil {
		return a.Width, 24
	}
	return a.Size()
}

// Run runs one command line and gives its exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	a.Out, a.Err = seen{a.Out, a.machine}, seen{a.Err, a.machine}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitCode(err)
	a.explain(err)
	return code
}

// explain prints an error the way people read it: what, then what to do.
func (a *App) explain(err error) {
	if shown, ok := err.(interface{ Shown() bool }); ok && shown.Shown() {
		return
	}
	if a.machine() {
		// One line, because run and resume print one event a line.
		_ = json.NewEncoder(a.Out).Encode(map[string]any{"error": err.Error(), "hint": hintOf(err), "exit": exitCode(err)}) // told on stderr as well
	}
	st := a.style(a.ErrTTY)
	a.headed(st.bad("error:"), err.Error())
	if h := hintOf(err); h != "" {
		a.headed(st.dim("hint:"), h)
	}
}

// headed prints a word and what it is about. A terminal gets lines that end at
// words; a log gets one line, which can be searched.
func (a *App) headed(word, text string) {
	text = clean(text)
	if !a.ErrTTY {
		fmt.Fprintf(a.Err, "%s %s\n", word, text)
		return
	}
	width, _ := a.size()
	for i, l := range wrapText(text, max(width-visible(word)-2, 20)) {
		if i > 0 {
			word = strings.Repeat(" ", visible(word))
		}
		fmt.Fprintf(a.Err, "%s %s\n", word, l)
	}
}
