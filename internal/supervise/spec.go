package supervise

import (
	"errors"
	"time"

	"github.com/runbackhq/runback/internal/process"
)

// Spec is what is to be run.
type Spec struct {
	Dir     string   // of this child alone; made when it is not there
	Program string   // absolute path
	Args    []string // the whole argument list, its name first
	Env     []string // the whole environment
	WorkDir string
	Stdin   []byte
	// Secret is what the child may read at SecretPath. It is in no file, no
	// argument and no variable, and gone with the child.
	Secret []byte
	// Deadline is when the supervisor stops the child even when nobody is left
	// to ask for it. Zero is never.
	Deadline time.Time
	// Tied stops the child when the process that started it ends, as is right
	// for a look that nobody waits for any more.
	Tied bool
	// Forget takes the directory away when a tied child was stopped because its
	// starter is gone: nobody is left to read it.
	Forget bool
	Limits Limits
}

// SecretPath is where a child reads its secret: a file of its own without a
// name, mode 0600, as libpq demands of a password file (PGPASSFILE).
const SecretPath = "/proc/self/fd/5"

// Limits bound a child. Zero values are replaced by the defaults.
type Limits struct {
	Output    int64         // bytes kept of each output
	Interrupt time.Duration // time between SIGINT and SIGTERM
	Terminate time.Duration // time between SIGTERM and SIGKILL
	Drain     time.Duration // time that others may hold the outputs open after the child ended
}

// The defaults of Limits.
const (
	DefaultOutput    = 16 << 20
	DefaultInterrupt = 10 * time.Second
	DefaultTerminate = 10 * time.Second
	DefaultDrain     = time.Second
)

func (l Limits) filled() Limits {
	if l.Output <= 0 {
		l.Output = DefaultOutput
	}
	if l.Interrupt <= 0 {
		l.Interrupt = DefaultInterrupt
	}
	if l.Terminate <= 0 {
		l.Terminate = DefaultTerminate
	}
	if l.Drain <= 0 {
		l.Drain = DefaultDrain
	}
	return l
}

// State is what is known of a child.
type State uint8

// The states. Lost: it was released and is gone, and nobody recorded how it
// ended.
const (
	NotStarted State = iota
	Running
	Exited
	Lost
)

// String names the state.
func (s State) String() string {
	return [...]string{"not started", "running", "exited", "lost"}[s]
}

// Outcome is how a child ended.
type Outcome struct {
	Code    int       `json:"code"` // -1 when a signal ended it
	Signal  string    `json:"signal,omitempty"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Stdout  Stream    `json:"stdout"`
	Stderr  Stream    `json:"stderr"`
	Stopped string    `json:"stopped,omitempty"` // why the supervisor ended it: Asked, or whose time was over
	Left    bool      `json:"left,omitempty"`    // processes of its group went on without it
	Never   string    `json:"never,omitempty"`   // why it never ran
}

// Asked is why a child was stopped that an executor asked to be.
const Asked = "asked to"

// Stream says what became of an output.
type Stream struct {
	Bytes int64 `json:"bytes"` // written by the child
	Kept  int64 `json:"kept"`  // of these, from the beginning, in the file
}

// child is the record of the gate, which is to become the child.
type child struct {
	process.ID
	Session int `json:"session"`
}

// Errors of Start. What they wrap says more.
var (
	// ErrTaken: somebody else starts or supervises it right now.
	ErrTaken = errors.New("somebody else starts or supervises it")
	// ErrStarted: it was started before.
	ErrStarted = errors.New("it was started before")
	// ErrNeverRan: the system refused to run it.
	ErrNeverRan = errors.New("it could not be run")
)
