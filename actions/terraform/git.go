package terraform

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// git makes a command that asks the repository of a directory. It reaches no
// network: what a partial clone lacks is not fetched.
func git(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = tool.Minimal(map[string]string{"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"})
	cmd.WaitDelay = askWait
	return cmd
}

func askGit(ctx context.Context, dir string, args ...string) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	var out, said bytes.Buffer
	cmd := git(ctx, dir, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			err = errors.New(short(text))
		}
		return "", actions.Cause(ctx, err)
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// resolve gives the commit of a ref, and where in its repository the directory
// is. A branch may move; the commit is what is recorded.
func resolve(ctx context.Context, dir, ref string) (commit, prefix string, err error) {
	prefix, err = askGit(ctx, dir, "rev-parse", "--show-prefix")
	if err != nil {
		return "", "", actions.Invalid("keep the configuration in git, or apply it as it stands: terraform.apply", "%s is in no repository that can be read: %w", dir, err)
	}
	commit, err = askGit(ctx, dir, "rev-parse", "--verify", "--end-of-options", ref+"^{commit}")
	if ctx.Err() != nil {
		return "", "", actions.Cause(ctx, err)
	}
	if err != nil {
		return "", "", actions.Invalid("see: git -C "+dir+" log --oneline; fetch it first if it is not here", "ref %q is no commit of the repository of %s: %w", ref, dir, err)
	}
	return commit, strings.Trim(prefix, "/"), nil
}

// export writes the files of a commit below a folder.
func export(ctx context.Context, dir, commit, into string) error {
	top, err := askGit(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	cmd := git(ctx, top, "archive", "--format=tar", commit)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = unpack(out, into)
	if err != nil {
		_, _ = io.Copy(io.Discard, out) // so that it ends
	}
	if e := cmd.Wait(); e != nil {
		err = errors.Join(fmt.Errorf("git archive %s: %s", commit, short(strings.TrimSpace(said.String()))), err)
	}
	return actions.Cause(ctx, err)
}

// unpack writes an archive; nothing in it leads outside of the folder.
func unpack(r io.Reader, into string) (err error) {
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o700)
		case tar.TypeSymlink:
			err = root.Symlink(h.Linkname, name)
		case tar.TypeReg:
			err = unpackFile(root, name, h, t)
		default: // the comment with the id of the commit
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
	}
}

// unpackFile makes a file that nobody is to change.
func unpackFile(root *os.Root, name string, h *tar.Header, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	mode := os.FileMode(0o400)
	if h.FileInfo().Mode()&0o100 != 0 {
		mode = 0o500
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
