package node

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// logFile keeps the output of one run of a container: every line with the time
// at which it began.
type logFile struct {
	path string

	mu     sync.Mutex
	f      *os.File
	inLine bool
	closed chan struct{}
}

func createLog(path string) (*logFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create container log: %w", err)
	}
	return &logFile{path: path, f: f, closed: make(chan struct{})}, nil
}

// Write implements io.Writer for both outputs of a process.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out bytes.Buffer
	for rest := p; len(rest) > 0; {
		if !l.inLine {
			out.WriteString(time.Now().UTC().Format(logTime))
			out.WriteByte(' ')
			l.inLine = true
		}
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			out.Write(rest)
			break
		}
		out.Write(rest[:end+1])
		l.inLine = false
		rest = rest[end+1:]
	}
	if _, err := l.f.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close ends the log; those who follow it read to its end.
func (l *logFile) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	closeQuietly(l.f)
	close(l.closed)
}

// logTime has a fixed width, so that a reader can cut it off.
const logTime = "2006-01-02T15:04:05.000000000Z07:00"

// forgetOldLogs keeps the logs of the current and the previous run.
func (c *container) forgetOldLogs() {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := filepath.Glob(filepath.Join(c.dir, "*.log"))
	if err != nil {
		return
	}
	for _, path := range all {
		if path != c.current.log.path && (c.previous == nil || path != c.previous.log.path) {
			_ = os.Remove(path)
		}
	}
}
