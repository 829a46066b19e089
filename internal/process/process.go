// Package process knows which process is which: it names the running one so
// that another can later tell whether it still lives.
package process

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ID identifies a process, so that a living one is never taken for a dead one. A
// pid alone is reused; with the start time and the boot it is not.
type ID struct {
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	Start string `json:"start"`
	Boot  string `json:"boot"`
}

// Self identifies the running process. Where /proc is missing (macOS) the
// start time and boot stay empty and a pid is all there is.
func Self() ID { return Of(os.Getpid()) }

// Of identifies a process of this machine. It must be a living one or a child
// that was not waited for: the number of any other may be somebody else's.
func Of(pid int) ID {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return ID{Host: host, PID: pid, Start: startTime(pid), Boot: bootID()}
}

// Alive says whether the process still runs. Of a process on another host, or
// one that was never named, nothing can be known from here.
func Alive(p ID) (alive, known bool) {
	self := Self()
	if p.Host != self.Host || p.PID <= 0 {
		return false, false
	}
	if p.Boot != self.Boot {
		return false, true
	}
	if err := syscall.Kill(p.PID, 0); err != nil && err != syscall.EPERM {
		return false, true
	}
	state, start := stat(p.PID)
	return start == p.Start && state != "Z", true // a zombie acts no more
}

func startTime(pid int) string {
	_, start := stat(pid)
	return start
}

// stat gives fields 3 and 22 of /proc/PID/stat: the state, and the start in
// clock ticks since boot. The second field, the command, may itself hold spaces
// and parentheses.
func stat(pid int) (state, start string) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return "", ""
	}
	return fields[0], fields[19]
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
