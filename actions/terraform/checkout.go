package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// checkout gives the site at an earlier commit: the files as they were then, the
// dependencies as they are locked now (the state was written by these), the back
// end as it was initialised. The directory is named by the commit and never
// written again but for the lock file and links to the state.
func (f family) checkout(ctx context.Context, c *actions.Call, s site, ref string) (site, error) {
	commit, prefix, err := resolve(ctx, s.Home, ref)
	if err != nil {
		return s, err
	}
	top, err := f.configurations()
	if err != nil {
		return s, err
	}
	dir := filepath.Join(top, commit+"-"+shortHash(s.Home))
	s.Commit, s.Dir, s.Data = commit, filepath.Join(dir, "tree", filepath.FromSlash(prefix)), filepath.Join(dir, "data")
	if err := f.export(ctx, s, dir); err != nil {
		return s, err
	}
	if _, err := tool.Folder(s.Dir); err != nil {
		return s, actions.Invalid("name a commit that has it", "commit %s has no folder %s", commit, prefix)
	}
	if err := s.join(); err != nil {
		return s, fmt.Errorf("checkout of %s: %w", commit, err)
	}
	return s, f.prepareData(ctx, c, s)
}

// export makes the directory in one piece, or not at all.
func (f family) export(ctx context.Context, s site, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return err
	}
	tree := filepath.Join(aside, "tree")
	if err = os.Mkdir(tree, 0o700); err == nil {
		err = export(ctx, s.Home, s.Commit, tree)
	}
	if err == nil {
		err = os.Rename(aside, dir)
	}
	if err != nil {
		if _, there := os.Stat(dir); there == nil && ctx.Err() == nil {
			err = nil // somebody else was faster, with the same commit
		}
		return errors.Join(err, os.RemoveAll(aside))
	}
	return nil
}

// join takes the lock file of now, and leads the local back end to the state
// where it is: its path is seen from the configuration.
func (s site) join() error {
	if b, err := os.ReadFile(filepath.Join(s.Home, lockFile)); err == nil {
		if err := replace(filepath.Join(s.Dir, lockFile), b); err != nil {
			return err
		}
	}
	if !s.of(s.Home).local() {
		return nil
	}
	names := []string{"terraform.tfstate", "terraform.tfstate.d"}
	for _, key := range []string{"path", "workspace_dir"} {
		if p, ok := s.of(s.Home).backend().Config[key].(string); ok && p != "" && !filepath.IsAbs(p) {
			names = append(names, p)
		}
	}
	for _, name := range names {
		at := filepath.Join(s.Dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return err
		}
		if err := link(filepath.Join(s.Home, name), at); err != nil {
			return err
		}
	}
	return nil
}

// of is the site as the user has it.
func (s site) of(home string) site {
	s.Dir, s.Data, s.Commit = home, "", ""
	return s
}

// replace writes a file in one piece.
func replace(file string, b []byte) error {
	if now, err := os.ReadFile(file); err == nil && string(now) == string(b) {
		return nil
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// prepareData initialises the data directory of a checkout, unless that was done
// for the same lock file and the same back end.
func (f family) prepareData(ctx context.Context, c *actions.Call, s site) error {
	_, lock, err := s.configuration()
	if err != nil {
		return err
	}
	done := filepath.Join(filepath.Dir(s.Data), "initialised")
	want := lock + " " + s.of(s.Home).backend().String() + " " + s.Program.SHA256
	if was, err := os.ReadFile(done); err == nil && strings.TrimSpace(string(was)) == want {
		return nil
	}
	if err := f.initialise(ctx, c, s); err != nil {
		return err
	}
	return replace(done, []byte(want))
}
