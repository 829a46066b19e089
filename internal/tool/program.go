package tool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// Program is an executable as it was found.
type Program struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"` // of a regular file that may be read
	seen   Stamp  // of the file when it was hashed, in this process only
}

// Where looks for a program as a shell would: by the search path, or, when it
// is written with a slash, from the folder it is run in.
func Where(name, dir string) (string, error) {
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", actions.Invalid("it must be installed on this machine, in PATH or named with its folder", "program cannot be run: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", actions.Invalid("", "program %q: %w", name, err)
	}
	return path, nil
}

// Find looks for a program as Where does, and notes what it is.
func Find(name, dir string) (Program, error) {
	path, err := Where(name, dir)
	if err != nil {
		return Program{}, err
	}
	seen, err := StampOf(path)
	if err != nil {
		return Program{}, actions.Invalid("", "program %q: %w", path, err)
	}
	sum, err := Digest(path)
	if err != nil {
		return Program{}, actions.Invalid("", "program %q cannot be read: %w", path, err)
	}
	if !seen.Settled() {
		seen = Stamp{}
	}
	return Program{path, sum, seen}, nil
}

// Digest gives the SHA-256 of a regular file, in hex. It is "" for what may be
// run and not be read, as some setuid programs, and for what is no regular file.
func Digest(path string) (sum string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Same says whether the program is still the one that was found. A file that
// nobody has touched since is not read again: that of terraform has 90 MB.
func (p Program) Same() error {
	if now, err := StampOf(p.Path); err == nil && p.seen != (Stamp{}) && now == p.seen {
		return nil
	}
	sum, err := Digest(p.Path)
	if err != nil || sum != p.SHA256 {
		return actions.Conflict("look at it, then run the playbook again", "program %s is another one than when the step was prepared", p.Path)
	}
	return nil
}

// Folder makes a folder absolute and says whether it is one.
func Folder(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", actions.Invalid("", "dir %q: %w", dir, err)
	}
	info, err := os.Stat(abs)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return "", actions.Invalid("", "dir %q: %w", dir, err)
	}
	return abs, nil
}
