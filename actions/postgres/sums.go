package postgres

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/runbackhq/runback/internal/tool"
)

// sums remembers the dumps that this process has read, so that one that nobody
// has touched since it was prepared is not read again before it is used.
type sums struct {
	mu    sync.Mutex
	known map[string]known
}

// known is a dump as it was read. That of a folder has the stamp of each of its
// files, and their names.
type known struct {
	names   []string
	stamps  []tool.Stamp
	sum     imprint
	changed time.Time
}

// of gives the sum of a dump and the time of its last change.
func (s *sums) of(ctx context.Context, path string) (imprint, time.Time, error) {
	now := known{}
	path, err := filepath.EvalSymlinks(path) // a folder that a link leads to is walked
	if err != nil {
		return imprint{}, time.Time{}, err
	}
	names, err := files(path)
	if err != nil {
		return imprint{}, time.Time{}, err
	}
	settled := true
	for _, name := range names {
		stamp, err := tool.StampOf(name)
		if err != nil {
			return imprint{}, time.Time{}, err
		}
		now.names, now.stamps, settled = append(now.names, name), append(now.stamps, stamp), settled && stamp.Settled()
	}
	s.mu.Lock()
	was, there := s.known[path]
	s.mu.Unlock()
	if there && slices.Equal(was.names, now.names) && slices.Equal(was.stamps, now.stamps) {
		return was.sum, was.changed, nil
	}
	if now.sum, now.changed, err = fingerprint(ctx, path, names); err == nil && settled {
		s.mu.Lock()
		s.known[path] = now
		s.mu.Unlock()
	}
	return now.sum, now.changed, err
}

// files lists what a dump consists of, in order.
func files(path string) (out []string, err error) {
	err = filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, at)
		}
		return err
	})
	slices.Sort(out)
	return out, err
}

// sum is what reading a dump for its sum gives.
type sum struct {
	imprint
	changed time.Time
	err     error
}

// begin takes the sum while something else reads the dump. Whoever begins it
// waits for it.
func (s *sums) begin(ctx context.Context, path string) <-chan sum {
	out := make(chan sum, 1)
	go func() {
		var got sum
		got.imprint, got.changed, got.err = s.of(ctx, path)
		out <- got
	}()
	return out
}
