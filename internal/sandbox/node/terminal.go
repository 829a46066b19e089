package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"golang.org/x/sys/unix"
)

// execTerminal runs an interactive command on a terminal of its own.
func (c *container) execTerminal(ctx context.Context, in *instance, cmd *exec.Cmd, attach api.AttachIO) error {
	control, terminal, err := openTerminal()
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr.Setpgid = false // a session leader leads its group already
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	if r := attach.Stdin(); r != nil {
		// ends when the stream is closed, after the command has ended
		go func() { _, _ = io.Copy(control, r) }()
	}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { resize(ctx, control, attach.Resize()) })
	background.Go(func() {
		// reading fails once nobody holds the other side
		_, _ = io.Copy(attach.Stdout(), control)
	})
	err = c.finish(ctx, in, cmd)
	closeQuietly(terminal)
	cancel()
	background.Wait()
	closeQuietly(control)
	return err
}

func resize(ctx context.Context, control *os.File, sizes <-chan api.TermSize) {
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-sizes:
			if !ok {
				return
			}
			_ = unix.IoctlSetWinsize(int(control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: s.Height, Col: s.Width})
		}
	}
}

// openTerminal opens both sides of a new pseudo terminal.
func openTerminal() (control, terminal *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open terminal: %w", err)
	}
	control = os.NewFile(uintptr(fd), "/dev/ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		closeQuietly(control)
		return nil, nil, fmt.Errorf("open terminal: %w", err)
	}
	return control, terminal, nil
}
