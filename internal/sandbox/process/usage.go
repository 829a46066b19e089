package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// ticksPerSecond is USER_HZ, which Linux fixes at 100 for user space.
const ticksPerSecond = 100

// Usage is what a process and its descendants use.
type Usage struct {
	CPUSeconds  float64
	MemoryBytes uint64
}

// ReadUsage sums over the process and everything it started.
func ReadUsage(id ID) (Usage, error) {
	if !id.Alive() {
		return Usage{}, ErrGone
	}
	var u Usage
	for _, pid := range Tree(id.PID) {
		st, err := readStat(pid)
		if err != nil {
			continue // it ended meanwhile
		}
		u.CPUSeconds += float64(st.cpuTicks) / ticksPerSecond
		u.MemoryBytes += st.residentPg * uint64(os.Getpagesize())
	}
	return u, nil
}

// Tree lists a process and its descendants, the process first.
func Tree(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children(all[i])...)
	}
	return all
}

func children(pid int) []int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, t := range tasks {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		if err != nil {
			continue
		}
		for _, f := range bytes.Fields(raw) {
			if n, err := strconv.Atoi(string(f)); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}
