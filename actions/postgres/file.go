package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/runbackhq/runback/actions"
)

// format is what a dump is, by its content: names lie. The runbook's own file
// is called .sql and is given to pg_restore, which takes everything but SQL.
type format string

const (
	custom    format = "custom"
	directory format = "directory"
	tarFile   format = "tar"
	plain     format = "plain SQL"
	gzipped   format = "plain SQL, gzip"
	zstd      format = "plain SQL, zstd"
)

// archive says whether pg_restore reads it; the others are for psql.
func (f format) archive() bool { return f == custom || f == directory || f == tarFile }

// packer is the program that unpacks it, or "".
func (f format) packer() string {
	return map[format]string{gzipped: "gzip", zstd: "zstd"}[f]
}

// recognise looks at the first bytes.
func recognise(path string) (format, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", actions.Invalid("name a file that runback can read on this machine", "the dump cannot be read: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "toc.dat")); err != nil {
			return "", actions.Invalid("", "%s is a folder without toc.dat, so it is no dump", path)
		}
		return directory, nil
	}
	if !info.Mode().IsRegular() {
		return "", actions.Invalid("write it into a file first: it is read more than once", "%s is no regular file", path)
	}
	head, err := beginning(path)
	if err != nil {
		return "", actions.Invalid("", "the dump cannot be read: %w", err)
	}
	return byMagic(path, head)
}

func byMagic(path string, head []byte) (format, error) {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case len(head) == 0:
		return "", actions.Refuse("look for another backup", "%s is empty", path)
	case has(0, "PGDMP"):
		return custom, nil
	case has(257, "ustar"):
		return tarFile, nil
	case has(0, "\x1f\x8b"):
		return gzipped, nil
	case has(0, "\x28\xb5\x2f\xfd"):
		return zstd, nil
	case has(0, "BZh"), has(0, "\xfd7zXZ"), has(0, "\x04\x22\x4d\x18"), has(0, "PK\x03\x04"):
		return "", actions.Refuse("unpack it first; gzip and zstd are unpacked here", "%s is packed in a way that is not known here", path)
	case bytes.IndexByte(head, 0) >= 0:
		return "", actions.Refuse("a dump is what pg_dump writes: custom, directory, tar or plain SQL", "%s is neither an archive of pg_dump nor text", path)
	}
	return plain, nil
}

func beginning(path string) (head []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head = make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// imprint is what makes a dump this one and no other.
type imprint struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// fingerprint reads the whole dump. That of a folder is over the names, sizes
// and sums of its files in their order.
func fingerprint(ctx context.Context, path string, files []string) (imprint, time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return imprint{}, time.Time{}, err
	}
	if !info.IsDir() {
		p, err := sumFile(ctx, path)
		return p, info.ModTime(), err
	}
	all, h := imprint{}, sha256.New()
	for _, at := range files {
		p, err := sumFile(ctx, at)
		if err != nil {
			return imprint{}, time.Time{}, err
		}
		rel, err := filepath.Rel(path, at)
		if err != nil {
			return imprint{}, time.Time{}, err
		}
		all.Size += p.Size
		_, _ = fmt.Fprintf(h, "%s %d %q\n", p.SHA256, p.Size, rel) // a hash takes everything
	}
	all.SHA256 = hex.EncodeToString(h.Sum(nil))
	toc, err := os.Stat(filepath.Join(path, "toc.dat"))
	if err != nil {
		return imprint{}, time.Time{}, err
	}
	return all, toc.ModTime(), nil
}

func sumFile(ctx context.Context, path string) (p imprint, err error) {
	f, err := os.Open(path)
	if err != nil {
		return imprint{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if err := pour(ctx, f, h); err != nil {
		return imprint{}, err
	}
	n, err := f.Seek(0, io.SeekCurrent)
	return imprint{hex.EncodeToString(h.Sum(nil)), n}, err
}
