package postgres

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/runbackhq/runback/actions"
)

// wholeTar looks whether a tar is whole before pg_restore is asked: on one that
// is cut short it reads in circles and never ends (measured with 15.20).
func wholeTar(ctx context.Context, path string) (err error) {
	cut := func(why string) error {
		return actions.Refuse("look for another backup; nothing was changed", "the dump %s cannot be read to its end: it is cut short: %s", path, why)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for r := tar.NewReader(f); ; {
		_, err := r.Next() // it skips the content, or says that it is not all there
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cut(err.Error())
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	// One that ends between two members ends like a whole one, but for the two
	// empty blocks behind the last.
	tail := make([]byte, 1024)
	if _, err := f.Seek(-int64(len(tail)), io.SeekEnd); err != nil {
		return cut(err.Error())
	}
	if _, err := io.ReadFull(f, tail); err != nil {
		return err
	}
	if len(bytes.Trim(tail, "\x00")) > 0 {
		return cut("its end marker is missing")
	}
	return nil
}
