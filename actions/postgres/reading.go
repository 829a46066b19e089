package postgres

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// readAll streams the SQL of a dump through the scanner: the file itself, what
// unpacks it, or the script that pg_restore makes of an archive. A listing is
// not enough: pg_restore --list takes archives that are cut short (measured).
//
// What reads is a child of this process and not of a supervisor, because it
// changes nothing, leaves nothing, and must not fill a disk; when we are gone it
// gets SIGPIPE with its next line.
func (d *dump) readAll(ctx context.Context) (*facts, error) {
	f := newFacts()
	s := f.scanner()
	var err error
	if d.Format == tarFile {
		if err := wholeTar(ctx, d.File); err != nil {
			return nil, err
		}
	}
	if d.Format == plain {
		err = readFile(ctx, d.File, s)
	} else {
		err = d.through(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	if !s.end() {
		return nil, actions.Refuse("look for another backup", "%s ends in the middle of a statement: it is cut short", d.File)
	}
	return f, nil
}

func readFile(ctx context.Context, path string, to io.Writer) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return pour(ctx, f, to)
}

// pour copies until the end, or until nobody waits for it any more.
func pour(ctx context.Context, from io.Reader, to io.Writer) error {
	buf := make([]byte, 256<<10)
	for ctx.Err() == nil {
		n, err := from.Read(buf)
		if _, e := to.Write(buf[:n]); e != nil {
			return e
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// through reads a dump by the program that knows its format.
func (d *dump) through(ctx context.Context, to io.Writer) error {
	program, args := d.Restore, append(d.restoreFlags(), "-f", "-", d.File)
	if packer := d.Format.packer(); packer != "" {
		program, args = d.Packer, []string{"-dc", "--", d.File}
	}
	said, err := look(ctx, d.drop, program, args, to)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return actions.Refuse("look for another backup; nothing was changed", "the dump %s cannot be read to its end: %w: %s", d.File, err, tool.LastLine(said))
	}
	return nil
}

// look runs a program that changes nothing, and gives what it says on standard
// error.
func look(ctx context.Context, drop []string, p tool.Program, args []string, to io.Writer) (said string, err error) {
	if err := p.Same(); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, p.Path, args...)
	// No variable of libpq and no password: nothing here is to reach a server. TZ: pg_restore
	// prints the time in an archive as one of its own zone.
	cmd.Env = tool.Environment(map[string]string{"TZ": "UTC", "LC_ALL": "C"}, drop...)
	cmd.WaitDelay = time.Second
	var errs bytes.Buffer
	cmd.Stderr = &limited{&errs, 64 << 10}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	poured := pour(ctx, out, to)
	if poured != nil {
		_ = cmd.Process.Kill() // its own error is the first
	}
	ended := cmd.Wait()
	return errs.String(), errors.Join(poured, ended)
}

// limited keeps the beginning of what is written.
type limited struct {
	to   *bytes.Buffer
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	l.to.Write(p[:min(len(p), max(0, l.most-l.to.Len()))])
	return len(p), nil
}

// contents is what the listing of an archive says of it.
type contents struct {
	made     time.Time // fields of the clock where it was made, read as if in UTC
	database string
}

var listHeader = lazily(`^; *(Archive created at|dbname:) (.*)$`)

// list reads the header of the listing.
func (d *dump) list(ctx context.Context) (contents, error) {
	var c contents
	var all bytes.Buffer
	said, err := look(ctx, d.drop, d.Restore, []string{"--list", d.File}, &limited{&all, 16 << 10})
	if ctx.Err() != nil {
		return c, context.Cause(ctx)
	}
	if err != nil {
		return c, actions.Refuse("look for another backup; nothing was changed", "the archive %s cannot be read: %w: %s", d.File, err, tool.LastLine(said))
	}
	for sc := bufio.NewScanner(&all); sc.Scan(); {
		m := listHeader().FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		if m[1] == "dbname:" {
			c.database = m[2]
			continue
		}
		if c.made, err = time.Parse("2006-01-02 15:04:05 MST", strings.TrimSpace(m[2])); err != nil {
			return c, fmt.Errorf("the time of the archive cannot be read: %w", err)
		}
	}
	return c, nil
}

// programVersion asks a program for its version.
func programVersion(ctx context.Context, drop []string, p tool.Program) (string, error) {
	var out bytes.Buffer
	said, err := look(ctx, drop, p, []string{"--version"}, &limited{&out, 4 << 10})
	if err != nil {
		return "", fmt.Errorf("%s does not say its version: %w: %s", p.Path, err, tool.LastLine(said))
	}
	v := numbers().FindString(out.String())
	if v == "" {
		return "", fmt.Errorf("%s does not say its version: %s", p.Path, tool.LastLine(out.String()))
	}
	return v, nil
}
