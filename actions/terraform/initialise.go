package terraform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// configurations is the folder of checkouts and of data directories of ours. It
// is a cache: what is in it can be made again.
func (f family) configurations() (string, error) {
	base, err := f.room.Base()
	if err != nil {
		return "", actions.Invalid(actions.HintOf(err), "nowhere to keep the configuration: %w", err)
	}
	return filepath.Join(base, "configurations"), nil
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// initialised gives the site with a data directory of ours, because what is in
// the user's does not fit the configuration. The user's stays as it is.
func (f family) initialised(ctx context.Context, c *actions.Call, s site) (site, error) {
	top, err := f.configurations()
	if err != nil {
		return s, err
	}
	s.Data = filepath.Join(top, "dir-"+shortHash(s.Home), "data")
	return s, f.initialise(ctx, c, s)
}

// initialise fills a data directory of ours: with the back end as the user
// initialised it, with the providers that are there, and with what init adds.
// The lock file of the dependencies is only read.
func (f family) initialise(ctx context.Context, c *actions.Call, s site) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return err
	}
	theirs := filepath.Join(s.Home, ".terraform")
	// Host, namespace, type and version are folders of ours; what is in a
	// version is theirs, so that init adds beside it and never into it.
	if err := mirror(filepath.Join(theirs, "providers"), filepath.Join(s.Data, "providers"), 4); err != nil {
		return err
	}
	args := []string{"init", "-input=false", "-no-color", "-lockfile=readonly"}
	record := filepath.Join(theirs, "terraform.tfstate")
	if _, err := os.Stat(record); err == nil {
		// The back end is that of the user's init, part of whose settings may
		// have been given on the command line. Where the configuration asks for
		// another one, terraform refuses to plan.
		args = append(args, "-backend=false")
		if err := link(record, filepath.Join(s.Data, "terraform.tfstate")); err != nil {
			return err
		}
	}
	if c.Say != nil {
		c.Say("initialising " + s.Dir)
	}
	var why error
	err := f.room.Observe(ctx, c, s.order(args, planGrace), func(e tool.End) {
		if !e.Success(0) {
			text, _ := e.Stderr(64 << 10)
			why = s.explain(ctx, text, s.name()+" init")
			if actions.KindOf(why) != actions.KindUnreachable {
				why = actions.Invalid("initialise it by hand: "+s.name()+" -chdir="+s.Home+" init", "%w", why)
			}
		}
	})
	return errors.Join(err, why)
}

// mirror links what is below a folder at a depth.
func mirror(from, to string, depth int) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if depth > 0 && e.IsDir() {
			err = mirror(src, dst, depth-1)
		} else {
			err = link(src, dst)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// link makes a symbolic link in place of what is there.
func link(to, at string) error {
	if now, err := os.Readlink(at); err == nil && now == to {
		return nil
	}
	if err := os.RemoveAll(at); err != nil {
		return err
	}
	return os.Symlink(to, at)
}
