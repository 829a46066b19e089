package process

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// GroupAlive says whether a process group of a session has members that are
// not zombies. The session tells it from a later group of the same number;
// where /proc is missing, the number is all there is.
func GroupAlive(pgid, session int) bool {
	if pgid <= 1 {
		return false // to kill these would mean others, or all
	}
	if err := syscall.Kill(-pgid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(all) == 0 {
		return true
	}
	for _, file := range all {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // state ppid pgrp session
		if len(f) > 3 && f[0] != "Z" && f[0] != "X" && f[2] == strconv.Itoa(pgid) && f[3] == strconv.Itoa(session) {
			return true
		}
	}
	return false
}
