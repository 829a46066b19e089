package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// dump is a backup as it was found, and the programs that read it.
type dump struct {
	File   string `json:"file"` // absolute
	Format format `json:"format"`
	imprint
	Made      string       `json:"made"`      // RFC 3339
	MadeKnown string       `json:"made_from"` // where that comes from, in words
	Tables    int          `json:"tables"`
	Rows      int64        `json:"rows"`
	Owners    bool         `json:"owners"` // objects keep the owners and privileges of the dump
	Clean     bool         `json:"clean"`  // drop what it makes first: in place only
	Restore   tool.Program `json:"pg_restore,omitzero"`
	Psql      tool.Program `json:"psql,omitzero"`
	Packer    tool.Program `json:"packer,omitzero"`
	Shell     tool.Program `json:"shell,omitzero"`
	drop      []string     // variables that no child gets
}

// openDump recognises a dump, finds what reads it, and reads all of it.
func (f family) openDump(ctx context.Context, c *actions.Call, file, bin string, owners, clean bool) (*dump, *facts, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, nil, actions.Invalid("", "file %q: %w", file, err)
	}
	d := &dump{File: path, Owners: owners, Clean: clean, drop: withheld(c)}
	if d.Format, err = recognise(path); err != nil {
		return nil, nil, err
	}
	if err := d.programs(bin); err != nil {
		return nil, nil, err
	}
	summing, stop := context.WithCancel(ctx)
	defer stop()
	sum := f.sums.begin(summing, path)
	found, err := d.readAll(ctx)
	if err != nil {
		stop()
	}
	summed := <-sum
	_, unreadable := errors.AsType[*fs.PathError](summed.err)
	switch {
	case unreadable, err == nil && summed.err != nil:
		return nil, nil, actions.Invalid("", "the dump cannot be read: %w", summed.err)
	case err != nil:
		return nil, nil, err
	}
	d.imprint = summed.imprint
	d.Tables = len(found.created())
	for _, n := range found.Tables {
		d.Rows += n
	}
	if err := d.date(ctx, summed.changed); err != nil {
		return nil, nil, err
	}
	return d, found, d.fit(ctx, found)
}

// programs finds what is needed for the format.
func (d *dump) programs(bin string) (err error) {
	find := func(into *tool.Program, name string, ours bool) {
		if err != nil {
			return
		}
		if ours && bin != "" {
			name = filepath.Join(bin, name)
		}
		if *into, err = tool.Find(name, "/"); err != nil {
			err = actions.Invalid("install the client programs of PostgreSQL (postgresql-client), or say where they are: bin: /usr/lib/postgresql/17/bin", "%w", err)
		}
	}
	if d.Format.archive() {
		find(&d.Restore, "pg_restore", true)
	}
	if !d.Format.archive() || d.Clean {
		find(&d.Psql, "psql", true)
	}
	if packer := d.Format.packer(); packer != "" {
		find(&d.Packer, packer, false)
	}
	if d.piped() {
		find(&d.Shell, "sh", false)
	}
	return err
}

// piped says whether one program writes what psql reads.
func (d *dump) piped() bool { return d.Format.packer() != "" || d.Clean && d.Format.archive() }

// restoreFlags are the options that decide what pg_restore does; they are the
// same when the archive is read and when it is restored.
func (d *dump) restoreFlags() []string {
	var out []string
	if !d.Owners {
		out = append(out, "--no-owner", "--no-privileges")
	}
	if d.Clean {
		out = append(out, "--clean", "--if-exists")
	}
	return out
}

// date finds out when the dump was made. The header of an archive holds the
// time of the clock where it was made, without its zone; that of this machine is
// taken. A file that is older than it says was made in a zone west of here, so
// the older time counts: it makes the loss greater, never smaller.
func (d *dump) date(ctx context.Context, changed time.Time) error {
	made, from := changed, "the time of the file: plain SQL does not say when it was made, and a copy may be younger"
	if d.Format.archive() {
		c, err := d.list(ctx)
		if err != nil {
			return err
		}
		if c.made.IsZero() {
			return errors.New("the archive does not say when it was made")
		}
		m := c.made
		made = time.Date(m.Year(), m.Month(), m.Day(), m.Hour(), m.Minute(), m.Second(), 0, time.Local)
		from = "the header of the archive, taken as a time in the zone of this machine: the archive does not say in which it was made"
		if changed.Before(made) {
			made, from = changed, "the time of the file, which is older than what its header says"
		}
	}
	d.Made, d.MadeKnown = made.UTC().Format(time.RFC3339), from
	return nil
}

// fit refuses a dump that cannot give back a whole database.
func (d *dump) fit(ctx context.Context, f *facts) error {
	const another = "look for another backup; nothing was changed"
	switch {
	case !d.Format.archive() && len(f.Outside) > 0:
		return actions.Refuse("make the dump without --create and without pg_dumpall, or take these statements out", "%s acts outside of the database that it is restored into: %s", d.File, f.Outside[0])
	case !d.Format.archive() && len(f.Commands) > 0:
		return actions.Refuse("take it out of the file", "%s holds a command of psql that a restore must not run: %s", d.File, f.Commands[0])
	case !d.Format.archive() && !f.Complete:
		return actions.Refuse(another+"; a file of other origin is taken for whole when its last line is: -- PostgreSQL database dump complete",
			"%s does not end with the end marker of pg_dump, so nobody can tell whether it is whole", d.File)
	case !d.Format.archive() && len(f.Control) > 0:
		return actions.Refuse("take it out of the file: it is restored in one transaction", "%s holds a statement that does not fit into one transaction: %s", d.File, f.Control[0])
	case len(f.created()) == 0:
		return actions.Refuse(another, "%s makes no tables: it is empty, or data without definitions", d.File)
	case len(f.HasData) == 0:
		return actions.Refuse(another, "%s holds no data, only definitions", d.File)
	case !d.Format.archive() && !d.Owners && len(f.Roles)+len(f.Grantees) > 0:
		return actions.Refuse("make the dump with --no-owner --no-privileges, or leave keep_owners as it is", "owners and privileges stand in the text of %s and cannot be left out", d.File)
	}
	return d.newEnough(ctx, f)
}

// newEnough compares the programs with the ones that made the dump.
func (d *dump) newEnough(ctx context.Context, f *facts) error {
	program := d.Psql
	if d.Format.archive() {
		program = d.Restore
	}
	ours, err := programVersion(ctx, d.drop, program)
	if err != nil {
		return err
	}
	if made := f.Versions["pg_dump"]; major(made) > major(ours) {
		return actions.Refuse(fmt.Sprintf("install the client programs of PostgreSQL %d, or say where they are: bin: /usr/lib/postgresql/%[1]d/bin", major(made)),
			"the dump was made by pg_dump %s, %s is of version %s", made, program.Path, ours)
	}
	if f.Restrict && !d.Format.archive() && !knowsRestrict(ours) {
		return actions.Refuse("update the client programs of PostgreSQL", "the dump uses \\restrict, which %s of version %s does not know", program.Path, ours)
	}
	return nil
}

var numbers = lazily(`[0-9]+(\.[0-9]+)?`)

func major(version string) int {
	n, err := strconv.Atoi(regexp.MustCompile(`^[0-9]+`).FindString(version))
	if err != nil {
		return 0
	}
	return n
}

// knowsRestrict: the versions of 14 August 2025 brought it (CVE-2025-8714).
func knowsRestrict(version string) bool {
	first := map[int]int{13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
	m := major(version)
	at, known := first[m]
	if !known {
		return m > 17
	}
	var minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &m, &minor) // none is 0
	return minor >= at
}
