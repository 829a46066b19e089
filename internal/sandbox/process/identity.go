// Package process starts, names and stops operating system processes.
//
// A process is always named by its pid together with its start time: a pid
// alone may belong to somebody else by the time we send a signal.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// ID names one process for as long as the machine runs.
type ID struct {
	PID int `json:"pid"`
	// Start is the start time in clock ticks since boot, from /proc.
	Start uint64 `json:"start"`
}

// ErrGone means that the process does not exist any more.
var ErrGone = errors.New("process is gone")

// Identify reads the identity of a running process.
func Identify(pid int) (ID, error) {
	st, err := readStat(pid)
	if err != nil {
		return ID{}, err
	}
	return ID{PID: pid, Start: st.start}, nil
}

// Alive reports whether this very process still runs. A zombie does not count.
func (id ID) Alive() bool {
	if id.PID <= 0 {
		return false
	}
	st, err := readStat(id.PID)
	return err == nil && st.start == id.Start && st.state != 'Z' && st.state != 'X'
}

// Signal sends sig to the process unless its pid has been reused.
func (id ID) Signal(sig syscall.Signal) error {
	if !id.Alive() {
		return ErrGone
	}
	return ignoreGone(syscall.Kill(id.PID, sig))
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return ErrGone
	}
	return err
}

// stat is what we need of /proc/PID/stat.
type stat struct {
	state      byte
	start      uint64
	cpuTicks   uint64
	residentPg uint64
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, fmt.Errorf("%w: %w", ErrGone, err)
	}
	// the command name is in parentheses and may itself contain anything
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("malformed stat of process %d", pid)
	}
	f := bytes.Fields(raw[end+1:])
	if len(f) < 22 {
		return stat{}, fmt.Errorf("short stat of process %d", pid)
	}
	num := func(i int) uint64 {
		n, _ := strconv.ParseUint(string(f[i]), 10, 64)
		return n
	}
	return stat{state: f[0][0], start: num(19), cpuTicks: num(11) + num(12), residentPg: num(21)}, nil
}
