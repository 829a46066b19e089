package k8s

import (
	"bytes"
	"io"
)

// mostLine bounds one line while it is looked through: longer ones are looked
// through in pieces.
const mostLine = 64 << 10

// lines counts the lines of a log and lets through those that contain a text;
// without one all of them.
type lines struct {
	r    io.Reader
	with string

	read, kept int
	line       []byte // the beginning of a line of which the rest has not come yet
	out        []byte
	err        error
}

// Read implements io.Reader.
func (l *lines) Read(p []byte) (int, error) {
	chunk := make([]byte, 4096)
	for len(l.out) == 0 && l.err == nil {
		var n int
		n, l.err = l.r.Read(chunk)
		l.take(chunk[:n])
	}
	n := copy(p, l.out)
	if l.out = l.out[n:]; len(l.out) > 0 {
		return n, nil
	}
	return n, l.err
}

func (l *lines) take(b []byte) {
	l.line = append(l.line, b...)
	for {
		i := bytes.IndexByte(l.line, '\n')
		if i < 0 && len(l.line) > mostLine {
			i = len(l.line) - 1
		}
		if i < 0 {
			break
		}
		l.end(l.line[:i+1])
		l.line = l.line[i+1:]
	}
	if l.err != nil && len(l.line) > 0 {
		l.end(l.line)
		l.line = nil
	}
}

// end judges a whole line. An empty one is none: nothing was logged with it.
func (l *lines) end(line []byte) {
	if len(bytes.TrimSpace(line)) > 0 {
		l.read++
	}
	if l.with == "" || bytes.Contains(line, []byte(l.with)) {
		l.kept++
		l.out = append(l.out, line...)
	}
}

func (out *logsOut) add(s *logSource) {
	out.Entries = append(out.Entries, s.entry)
	out.Bytes += len(s.entry.Text)
	if s.lines != nil {
		out.Lines += s.lines.read
	}
}

// match counts the lines with the text. Where nothing was read, or a log could
// not be, nobody can tell how often it was said.
func (out *logsOut) match(with string, sources []*logSource) {
	if with == "" || out.Lines == 0 {
		return
	}
	n := 0
	for _, s := range sources {
		if s.entry.Error != "" {
			return
		}
		n += s.lines.kept
	}
	out.Matched = &n
}
