package node

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

// logs answers `kubectl logs`.
func (m *manager) logs(ctx context.Context, namespace, podName, containerName string, opts api.ContainerLogOpts) (io.ReadCloser, error) {
	c, err := m.findContainer(namespace, podName, containerName)
	if err != nil {
		return nil, err
	}
	log, err := c.logOf(opts.Previous)
	if err != nil {
		return nil, err
	}
	return openLog(ctx, log, opts)
}

// logOf picks the run whose log is meant. A container that waits for its next
// try shows its last run under both names, as a kubelet does.
func (c *container) logOf(previous bool) (*logFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.current == nil && c.state.Waiting != nil:
		return nil, errdefs.InvalidInputf("container %q in pod %q is waiting to start: %s", c.name, c.pod.name, c.state.Waiting.Reason)
	case c.current == nil:
		return nil, errdefs.InvalidInputf("container %q in pod %q never ran", c.name, c.pod.name)
	case !previous || c.state.Waiting != nil:
		return c.current.log, nil
	case c.previous == nil:
		return nil, errdefs.InvalidInputf("previous terminated container %q in pod %q not found", c.name, c.pod.name)
	default:
		return c.previous.log, nil
	}
}

// followInterval is how often a followed log is looked at for more.
const followInterval = 100 * time.Millisecond

// logReader reads a log line by line, with the filters of the request.
type logReader struct {
	ctx     context.Context // of the request; Read has none of its own
	log     *logFile
	file    *os.File
	lines   *bufio.Reader
	opts    api.ContainerLogOpts
	since   time.Time
	pending []byte
	partial []byte
	left    int // bytes still allowed
}

func openLog(ctx context.Context, log *logFile, opts api.ContainerLogOpts) (io.ReadCloser, error) {
	f, err := os.Open(log.path)
	if err != nil {
		return nil, errdefs.AsNotFound(err)
	}
	r := &logReader{ctx: ctx, log: log, file: f, lines: bufio.NewReader(f), opts: opts, since: opts.SinceTime, left: opts.LimitBytes}
	if opts.SinceSeconds > 0 {
		r.since = time.Now().Add(-time.Duration(opts.SinceSeconds) * time.Second)
	}
	if err := r.skipToTail(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

// skipToTail moves to the first of the last lines that are wanted.
func (r *logReader) skipToTail() error {
	if r.opts.Tail <= 0 {
		return nil
	}
	var starts []int64
	offset := int64(0)
	for {
		line, err := r.lines.ReadSlice('\n')
		if len(line) > 0 && (len(starts) == 0 || err == nil || errors.Is(err, io.EOF)) {
			starts = append(starts, offset)
		}
		offset += int64(len(line))
		if errors.Is(err, bufio.ErrBufferFull) {
			starts = starts[:len(starts)-1]
			continue
		}
		if err != nil {
			break
		}
	}
	at := int64(0)
	if n := len(starts); n > r.opts.Tail {
		at = starts[n-r.opts.Tail]
	}
	if _, err := r.file.Seek(at, io.SeekStart); err != nil {
		return err
	}
	r.lines.Reset(r.file)
	return nil
}

// Read implements io.Reader. It waits for more only when the log is followed.
func (r *logReader) Read(p []byte) (int, error) {
	for len(r.pending) == 0 {
		if r.opts.LimitBytes > 0 && r.left == 0 {
			return 0, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

func (r *logReader) fill() error {
	// asked before reading: what is written up to the end must be read
	ended := r.ended()
	part, err := r.lines.ReadBytes('\n')
	r.partial = append(r.partial, part...)
	switch {
	case err == nil, errors.Is(err, io.EOF) && ended && len(r.partial) > 0:
		r.accept(r.partial)
		r.partial = nil
		return nil
	case !errors.Is(err, io.EOF):
		return err
	case ended || (!r.opts.Follow && len(r.partial) == 0):
		return io.EOF
	case !r.opts.Follow:
		r.accept(r.partial)
		r.partial = nil
		return nil
	}
	if !sleep(r.ctx, followInterval) {
		return io.EOF
	}
	return nil
}

func (r *logReader) ended() bool {
	select {
	case <-r.log.closed:
		return true
	default:
		return false
	}
}

func (r *logReader) accept(line []byte) {
	stampLen := len("2006-01-02T15:04:05.000000000Z")
	if len(line) <= stampLen {
		return
	}
	stamp, text := line[:stampLen], line[stampLen+1:]
	if at, err := time.Parse(time.RFC3339Nano, string(stamp)); err == nil && at.Before(r.since) {
		return
	}
	if r.opts.Timestamps {
		text = line
	}
	if r.opts.LimitBytes > 0 {
		text = text[:min(len(text), r.left)]
		r.left -= len(text)
	}
	r.pending = append([]byte(nil), text...)
}

// Close implements io.Closer.
func (r *logReader) Close() error { return r.file.Close() }
