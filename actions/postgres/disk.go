package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// roomFor refuses when the disk of the server is seen to be too small for a
// second database. It can be seen only where the server runs on this machine;
// otherwise the preview says that nobody looked.
func roomFor(ctx context.Context, conn *pg.Conn, d *dump) error {
	need, err := needed(ctx, conn, d)
	if err != nil {
		return err
	}
	if free, seen := freeAt(ctx, conn); seen && free < need {
		return actions.Refuse("make room, or drop a database that was kept: postgres.drop_kept", "the disk of the server has %s free, and the restored database needs about %s besides the old one", bytesWords(free), bytesWords(need))
	}
	return nil
}

// needed is an estimate: as much as the database has now, or twice the dump,
// whichever is more.
func needed(ctx context.Context, conn *pg.Conn, d *dump) (int64, error) {
	var size int64
	err := conn.QueryRow(ctx, `select pg_database_size(current_database())`).Scan(&size)
	return max(size, 2*d.Size), pg.Explain(ctx, err, "asking for the size of the database")
}

// freeAt gives the free bytes of the disk that the server writes to. An address
// of this machine proves nothing, it may be a tunnel: what proves it is the
// system identifier in the control file of the data folder.
func freeAt(ctx context.Context, conn *pg.Conn) (free int64, seen bool) {
	if ip := net.ParseIP(conn.At.Host); !strings.HasPrefix(conn.At.Host, "/") && conn.At.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return 0, false
	}
	var dir string
	if conn.QueryRow(ctx, `select current_setting('data_directory')`).Scan(&dir) != nil {
		return 0, false // superusers and pg_read_all_settings only
	}
	if id, err := systemOf(dir); err != nil || id != conn.ID.System {
		return 0, false
	}
	var fs unix.Statfs_t
	if unix.Statfs(filepath.Join(dir, "base"), &fs) != nil {
		return 0, false
	}
	return int64(fs.Bavail) * int64(fs.Bsize), true //nolint:unconvert // their types differ between systems
}

// systemOf reads the system identifier, the first field of the control file
// (ControlFileData in PostgreSQL's pg_control.h).
func systemOf(dir string) (id string, err error) {
	f, err := os.Open(filepath.Join(dir, "global", "pg_control"))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b [8]byte
	if _, err := io.ReadFull(f, b[:]); err != nil {
		return "", err
	}
	return strconv.FormatUint(binary.NativeEndian.Uint64(b[:]), 10), nil
}

func bytesWords(n int64) string {
	const unit = 1024
	f, i := float64(n), 0
	for f >= unit && i < 4 {
		f, i = f/unit, i+1
	}
	return fmt.Sprintf("%.4g %s", f, [...]string{"B", "KiB", "MiB", "GiB", "TiB"}[i])
}
