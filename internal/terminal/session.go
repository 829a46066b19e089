package terminal

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Session is a program on a terminal of its own.
type Session struct {
	*Screen
	t    testing.TB
	cmd  *exec.Cmd
	pty  *os.File
	read chan struct{}
	done bool
}

// Start runs a program on a new terminal.
func Start(t testing.TB, cmd *exec.Cmd, width, height int) *Session {
	t.Helper()
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)})
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{Screen: NewScreen(width, height), t: t, cmd: cmd, pty: f, read: make(chan struct{})}
	go func() {
		defer close(s.read)
		_, _ = io.Copy(s.Screen, f) // it ends with an error when the program ends: that is how a terminal closes
	}()
	t.Cleanup(func() {
		if !s.done {
			_ = cmd.Process.Kill()
			s.Wait()
		}
	})
	return s
}

// Type sends keys.
func (s *Session) Type(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// Await waits until the screen shows a text.
func (s *Session) Await(text string) {
	s.t.Helper()
	s.AwaitThat("shows "+text, func() bool { return strings.Contains(s.Text(), text) })
}

// AwaitThat waits until something is true of the screen.
func (s *Session) AwaitThat(what string, ok func() bool) {
	s.t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("not within a minute: the screen %s. It shows:\n%s", what, s.Text())
}

// SetSize makes the window so large, as a person does who drags its corner.
func (s *Session) SetSize(width, height int) {
	s.t.Helper()
	s.Resize(width, height)
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
}

// Close closes the terminal under the program.
func (s *Session) Close() { _ = s.pty.Close() }

// Wait waits for the end of the program and gives its exit code, or the
// negative number of the signal that ended it.
func (s *Session) Wait() int {
	s.t.Helper()
	_ = s.cmd.Wait() // the code is in its state
	s.done = true
	select {
	case <-s.read:
	case <-time.After(5 * time.Second): // somebody else holds the terminal open
	}
	_ = s.pty.Close()
	if ws, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal())
	}
	return s.cmd.ProcessState.ExitCode()
}
