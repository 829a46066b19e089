package cli

import (
	"path"
	"strings"
)

// depthOf says how far in a step stands: in blocks, in turns of a foreach, in
// other playbooks.
func depthOf(p string) int {
	depth := strings.Count(p, "]")
	for i, part := range strings.Split(p, "/") {
		if i > 0 && !strings.HasPrefix(part, "~") {
			depth++
		}
	}
	if strings.HasPrefix(p, "~") {
		depth--
	}
	return depth
}

// around gives the path of the block that a step stands in, "" at the top: each
// of each[0], call of call@/put.
func around(p string) string {
	if strings.HasSuffix(p, "]") {
		return p[:strings.LastIndex(p, "[")]
	}
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		switch {
		case dir == ".":
			return ""
		case !strings.HasPrefix(path.Base(dir), "~"):
			return strings.TrimSuffix(dir, "@")
		}
	}
}

// everyTurn says whether a path of a playbook stands for the steps of every turn
// of a foreach.
func everyTurn(p string) bool { return strings.Contains(p, "[]") }
