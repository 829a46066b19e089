package command

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// prepared is what was made absolute before the command runs.
type prepared struct {
	// Child names the directory of the child. It is new for each attempt and
	// journaled before the attempt, so a resume finds the child of this attempt
	// and never that of another.
	Child string `json:"child"`
	// Host is where the child would be. Elsewhere, its absence proves nothing.
	Host    string `json:"host"`
	Dir     string `json:"dir"`
	Program file   `json:"program"`
	Probe   *file  `json:"probe,omitempty"`
}

// file is an executable as it was found.
type file struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"` // of a regular file
}

// prepare finds the program and the folder, and changes nothing.
func (p program) prepare(key string, probe *question) (prepared, error) {
	var st prepared
	if err := p.valid(); err != nil {
		return st, err
	}
	var err error
	if st.Dir, err = folder(p.Dir); err != nil {
		return st, err
	}
	if st.Program, err = find(p.Args[0], st.Dir); err != nil {
		return st, err
	}
	if probe != nil {
		if err := (program{Args: probe.Args}).valid(); err != nil {
			return st, actions.Invalid(actions.HintOf(err), "probe: %w", err)
		}
		f, err := find(probe.Args[0], st.Dir)
		if err != nil {
			return st, actions.Invalid(actions.HintOf(err), "probe: %w", err)
		}
		st.Probe = &f
	}
	st.Host = host()
	st.Child = childName(key)
	return st, nil
}

func folder(dir string) (string, error) {
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

// find looks for a program as a shell would: by the search path, or, when it
// is written with a slash, from the folder it is run in.
func find(name, dir string) (file, error) {
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return file{}, actions.Invalid("it must be installed on this machine, in PATH or named with its folder", "program cannot be run: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return file{}, actions.Invalid("", "program %q: %w", name, err)
	}
	sum, err := digest(path)
	if err != nil {
		return file{}, actions.Invalid("", "program %q cannot be read: %w", path, err)
	}
	return file{path, sum}, nil
}

// digest is "" for what may be run and not be read, as some setuid programs.
func digest(path string) (sum string, err error) {
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

// same says whether the program is still the one that was found.
func (f file) same() error {
	sum, err := digest(f.Path)
	if err != nil || sum != f.SHA256 {
		return actions.Conflict("look at it, then run the playbook again", "program %s is another one than when the step was prepared", f.Path)
	}
	return nil
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// mostKey keeps the name of a directory within what file systems take.
const mostKey = 100

// childName can be read by people and is new each time.
func childName(key string) string {
	key = strings.Trim(unfit.ReplaceAllString(key, "_"), "_")
	return key[:min(len(key), mostKey)] + "-" + strings.ToLower(rand.Text()[:12])
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// named says whether anything was prepared at all.
func (st prepared) named() error {
	if st.Child == "" || filepath.Base(st.Child) != st.Child || strings.HasPrefix(st.Child, ".") {
		return errors.New("what was prepared names no child process")
	}
	return nil
}
