package supervise

import (
	"fmt"
	"os"
)

// The hidden arguments under which the program is its own supervisor and gate.
const (
	superviseArg = "__supervise"
	gateArg      = "__supervise-gate"
)

// Exit codes of supervisor and gate; nobody decides anything by them.
const (
	codeFailed = 125
	codeUsage  = 64
)

// takeOver is the program's life as a supervisor or gate, when it was started as
// one; then mine is true.
func takeOver(args []string) (code int, mine bool) {
	switch {
	case len(args) == 3 && args[1] == superviseArg:
		if err := supervise(args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err) // into supervisor.log
			return codeFailed, true
		}
		return 0, true
	case len(args) == 2 && args[1] == gateArg:
		gate() // returns only when it did not become the child
		return codeFailed, true
	case len(args) > 1 && (args[1] == superviseArg || args[1] == gateArg):
		return codeUsage, true
	default:
		return 0, false
	}
}
