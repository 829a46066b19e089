package supervise

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
)

// orders is the message that releases the gate.
type orders struct {
	Dir, Program []byte
	Args, Env    [][]byte // as in errand
}

// The files that a gate inherits. The child keeps the third, which is there
// only when it has a secret; SecretPath names it.
const (
	gateOrders = 3
	gateReport = 4
)

// gate waits until it is released and then becomes the child. When the
// supervisor dies before, the pipe ends, and so does the gate.
// It says nothing on standard error, which is that of the child already.
func gate() {
	syscall.CloseOnExec(gateOrders)
	syscall.CloseOnExec(gateReport)
	in, report := os.NewFile(gateOrders, "orders"), os.NewFile(gateReport, "report")
	var o orders
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return
	}
	err := recordRelease(string(o.Dir))
	if err == nil {
		err = syscall.Exec(string(o.Program), text(o.Args), text(o.Env))
	}
	// The report is closed by the exec: what is written here says that there
	// was none.
	_, _ = report.WriteString(err.Error())
}

func recordRelease(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, releasedFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(dir) // its being there is all it says
}
