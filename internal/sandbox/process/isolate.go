package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Isolation is how the processes of a container are kept together, so that
// ending the first one ends them all.
type Isolation string

// In order of preference. A pid namespace ends as a whole with its first
// process; a process group does so only when somebody kills it.
const (
	PIDNamespace  Isolation = "pid-namespace"
	UserNamespace Isolation = "user-and-pid-namespace"
	ProcessGroup  Isolation = "process-group"
)

// ParseIsolation reads a way by its name; the empty name is no decision.
func ParseIsolation(name string) (Isolation, error) {
	switch m := Isolation(name); m {
	case "", PIDNamespace, UserNamespace, ProcessGroup:
		return m, nil
	default:
		return "", fmt.Errorf("unknown isolation %q", name)
	}
}

// Detect tries what this machine and user allow by starting a program that
// does nothing.
func Detect(ctx context.Context) Isolation {
	for _, mode := range []Isolation{PIDNamespace, UserNamespace} {
		if mode == PIDNamespace && os.Geteuid() != 0 {
			continue
		}
		cmd := exec.CommandContext(ctx, "/proc/self/exe", "noop")
		cmd.SysProcAttr = mode.Attr()
		if cmd.Run() == nil {
			return mode
		}
	}
	return ProcessGroup
}

// Attr is the start attribute of a container's first process.
func (m Isolation) Attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	switch m {
	case PIDNamespace:
		attr.Cloneflags = syscall.CLONE_NEWPID
	case UserNamespace:
		attr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID
		uid, gid := os.Geteuid(), os.Getegid()
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	case ProcessGroup: // the group is all there is
	}
	return attr
}

// Enter is the beginning of a command that runs in the namespaces of another
// process, or nil where there are none to enter or nothing to do it with.
func (m Isolation) Enter(pid int) []string {
	if m == ProcessGroup {
		return nil
	}
	program, err := exec.LookPath("nsenter")
	if err != nil {
		return nil
	}
	target := []string{program, "--target", strconv.Itoa(pid), "--pid"}
	if m == UserNamespace {
		target = append(target, "--user", "--preserve-credentials")
	}
	return append(target, "--")
}
