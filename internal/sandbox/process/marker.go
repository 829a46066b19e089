package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// Marker is the variable by which everything that runs in a container of a
// sandbox can be told, also what left its process group: variables are inherited.
const Marker = "RUNBACK_SANDBOX"

// Marked lists the processes of this user whose marker has the given value.
func Marked(value string) []ID {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	want := []byte(Marker + "=" + value)
	var ids []ID
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		// first the identity: should the pid be reused in between, the signal
		// will not reach the wrong process
		id, err := Identify(pid)
		if err != nil {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for v := range bytes.SplitSeq(raw, []byte{0}) {
			if bytes.Equal(v, want) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
