package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// output keeps the beginning of an output in a file. All of it is read,
// whatever becomes of the file, so that the child never blocks.
type output struct {
	from, to, end *os.File
	limit         int64
	done          chan Stream
}

// capture makes a pipe whose writing end is for the child, and keeps what comes
// out of it in a file until the pipe is closed by everybody or close is called.
func capture(dir, name string, limit int64) (*output, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := &output{from: r, to: f, end: w, limit: limit, done: make(chan Stream, 1)}
	go func() { o.done <- o.copy() }() // finish waits for it
	return o, nil
}

func (o *output) copy() Stream {
	var s Stream
	buf := make([]byte, 32<<10)
	broken := false
	for {
		n, err := o.from.Read(buf)
		if part := buf[:min(int64(n), o.limit-s.Kept)]; len(part) > 0 && !broken {
			w, err := o.to.Write(part)
			s.Kept += int64(w)
			broken = err != nil // the disk is full: it is said by Kept
		}
		if s.Bytes <= o.limit && s.Bytes+int64(n) > o.limit && !broken {
			_, _ = fmt.Fprintf(o.to, "\n[runback: cut after %d bytes]\n", o.limit)
		}
		s.Bytes += int64(n)
		if err != nil {
			return s // the end, or the time of others to hold it open is over
		}
	}
}

// finish waits for the end of the output, which comes with the end of the
// child unless others hold the pipe open; these are given a while. The file is
// durable then.
func (o *output) finish(drain time.Duration) Stream {
	_ = o.from.SetReadDeadline(time.Now().Add(drain))
	s := <-o.done
	_ = errors.Join(o.to.Sync(), o.to.Close(), o.from.Close()) // what counts is the exit
	return s
}

// input gives the child's standard input: a file without a name, which is
// complete whoever dies, and of which nothing is left behind.
func input(dir string, text []byte) (*os.File, error) {
	if len(text) == 0 {
		return os.Open(os.DevNull)
	}
	path := filepath.Join(dir, stdinFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = os.Remove(path); err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
