package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/supervise"
)

// starter is `up`'s side of the supervisor it started.
type starter struct {
	input    *os.File // closing it without a word ends the sandbox
	messages *os.File
	once     sync.Once
}

func startSupervisor(o upOptions) (*starter, error) {
	inputRead, inputWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = inputRead.Close() }()
	messagesRead, messagesWrite, err := os.Pipe()
	if err != nil {
		_ = inputWrite.Close()
		return nil, err
	}
	defer func() { _ = messagesWrite.Close() }()
	s := &starter{input: inputWrite, messages: messagesRead}
	if err := launch(o, inputRead, messagesWrite); err != nil {
		s.release()
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	return s, nil
}

func launch(o upOptions, input, messages *os.File) error {
	log, err := os.OpenFile(o.dir.Log("supervisor"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("/proc/self/exe", "supervise", //nolint:noctx // it outlives us
		"--dir", string(o.dir), "--app", o.app, "--scenario", o.scenario.Name, "--metrics-server", o.metrics,
		"--isolation", string(o.isolation),
		"--nodes", strconv.Itoa(o.nodes), "--rate", strconv.Itoa(o.rate), "--ttl", o.ttl.String(),
		"--owner-pid", strconv.Itoa(o.owner.PID), "--owner-start", strconv.FormatUint(o.owner.Start, 10))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, log, log
	cmd.ExtraFiles = []*os.File{messages}
	// a session of its own: it stays when the terminal goes
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// follow shows the progress until the cluster runs or cannot.
func (s *starter) follow(ctx context.Context, say *narrator) error {
	stop := context.AfterFunc(ctx, func() { _ = s.messages.Close() })
	defer stop()
	messages := json.NewDecoder(s.messages)
	for {
		var m supervise.Message
		if err := messages.Decode(&m); err != nil {
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			if errors.Is(err, io.EOF) {
				return errors.New("the supervisor ended without a word")
			}
			return fmt.Errorf("read progress: %w", err)
		}
		switch {
		case m.Failed != "":
			return errors.New(m.Failed)
		case m.Ready:
			return nil
		case m.Done != "":
			say.done(m.Done, m.Took)
		}
	}
}

// keep leaves the sandbox to itself.
func (s *starter) keep() error {
	if _, err := io.WriteString(s.input, "keep\n"); err != nil {
		return fmt.Errorf("the supervisor went away: %w", err)
	}
	return nil
}

// release closes our ends; without keep before it, the sandbox ends.
func (s *starter) release() {
	s.once.Do(func() {
		_ = s.input.Close()
		_ = s.messages.Close()
	})
}

// narrator prints what has been done and how long it took.
type narrator struct{ out io.Writer }

func (n *narrator) done(title string, took time.Duration) {
	fmt.Fprintf(n.out, "  %-58s %6.1fs\n", title, took.Seconds())
}

func (n *narrator) step(title string) func() {
	begin := time.Now()
	return func() { n.done(title, time.Since(begin)) }
}
