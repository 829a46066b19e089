package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runbackhq/runback/playbooks"
	"github.com/runbackhq/runback/schema"
)

// shelf is one place where playbooks are looked for by name.
type shelf struct {
	name  string // shown to people
	files fs.FS
}

// shelves lists the places in the order in which names resolve: the working
// folder, the configured folders, the playbooks in the binary.
func (a *App) shelves() []shelf {
	out := []shelf{{"./playbooks", os.DirFS("playbooks")}}
	for _, dir := range filepath.SplitList(a.Env("RUNBACK_PLAYBOOKS")) {
		if dir != "" {
			out = append(out, shelf{dir, os.DirFS(dir)})
		}
	}
	return append(out, shelf{"built in", playbooks.Files})
}

// found is a playbook on a shelf.
type found struct {
	name  string
	where string
	src   schema.Source
}

// find gives a playbook by path or by name. A path has a separator or an
// ending; a name has neither, so one is never taken for the other.
func (a *App) find(arg string) (found, error) {
	if strings.ContainsAny(arg, `/\`) || filepath.Ext(arg) != "" {
		text, err := readFile(arg)
		if err != nil {
			return found{}, &exitError{code: exitInvalid, hint: "see: runback list", err: err}
		}
		return found{name: arg, where: "file", src: a.withCalls(schema.Source{File: arg, Text: text})}, nil
	}
	all := a.library()
	for _, f := range all {
		if f.name == arg {
			f.src = a.withCalls(f.src)
			return f, nil
		}
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	hint := schema.DidYouMean(arg, names)
	if hint == "" {
		hint = "see: runback list"
	}
	return found{}, &exitError{code: exitInvalid, hint: hint, err: fmt.Errorf("no playbook %q in %s", arg, a.where())}
}

func (a *App) where() string {
	var names []string
	for _, s := range a.shelves() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// readFile refuses a file that is too large before reading it.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", path)
	}
	if !info.Mode().IsRegular() {
		// A device or a pipe may never end.
		return nil, fmt.Errorf("%s is no file: save it in one", path)
	}
	if info.Size() > schema.MaxBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than the limit of %d", path, info.Size(), schema.MaxBytes)
	}
	return os.ReadFile(path)
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// library lists every playbook once, by name; the first shelf wins.
func (a *App) library() []found {
	var out []found
	for _, s := range a.shelves() {
		entries, err := fs.ReadDir(s.files, ".")
		if err != nil {
			continue // a shelf that does not exist holds nothing
		}
		for _, e := range entries {
			name, isPlaybook := strings.CutSuffix(e.Name(), ".yaml")
			if e.IsDir() || !isPlaybook || slices.ContainsFunc(out, func(f found) bool { return f.name == name }) {
				continue
			}
			text, err := fs.ReadFile(s.files, e.Name())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				text = nil // shown as unreadable by whoever parses it
			}
			out = append(out, found{name: name, where: s.name, src: schema.Source{File: displayPath(s.name, e.Name()), Text: text}})
		}
	}
	slices.SortStableFunc(out, func(a, b found) int { return strings.Compare(a.name, b.name) })
	return out
}

func displayPath(shelf, file string) string {
	if shelf == "built in" {
		return "builtin:" + file
	}
	return filepath.Join(shelf, file)
}
