package alembic

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
	"github.com/runbackhq/runback/internal/tool"
)

// place is where a project is and what runs it, absolute.
type place struct {
	Python tool.Program `json:"python"`
	Dir    string       `json:"dir"`
	Config string       `json:"config"`
	Pod    *pod.Ref     `json:"pod,omitempty"` // where all that is; nil is this machine
}

func (local) settle(_ context.Context, p project) (place, error) {
	dir, err := tool.Folder(p.Dir)
	if err != nil {
		return place{}, err
	}
	config := p.Config
	if !filepath.IsAbs(config) {
		config = filepath.Join(dir, config)
	}
	if info, err := os.Stat(config); err != nil || info.IsDir() {
		return place{}, actions.Invalid("name the project's folder with dir, and the file with config", "there is no file %s", config)
	}
	python, err := interpreter(p.Python, dir)
	return place{Python: python, Dir: dir, Config: config}, err
}

// interpreter gives the Python that has alembic: the one that is named, or the
// one that the program alembic starts with. The python of the search path may be
// another one, without alembic.
func interpreter(name, dir string) (tool.Program, error) {
	if name != "" {
		return tool.Find(name, dir)
	}
	path, err := exec.LookPath("alembic")
	if err != nil {
		return tool.Program{}, actions.Invalid("name the interpreter of the project's environment, like python: .venv/bin/python", "alembic is not in PATH: %w", err)
	}
	lines, err := head(path)
	if err != nil {
		return tool.Program{}, actions.Invalid("", "%s cannot be read: %w", path, err)
	}
	if name = shebang(lines); name == "" {
		return tool.Program{}, actions.Invalid("name the interpreter of the project's environment, like python: .venv/bin/python", "%s does not begin with the name of a Python", path)
	}
	return tool.Find(name, dir)
}

// head gives the first two lines of a file.
func head(path string) (lines [2]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return lines, err
	}
	defer func() { _ = f.Close() }()
	s := bufio.NewScanner(f)
	for i := 0; i < len(lines) && s.Scan(); i++ {
		lines[i] = s.Text()
	}
	return lines, s.Err()
}

// shebang gives the interpreter that a script names: #!/usr/bin/python3,
// #!/usr/bin/env python3, or what pip writes when the path is too long for the
// kernel (pip's vendored distlib, scripts.py): a shell that executes it.
func shebang(lines [2]string) string {
	first, is := strings.CutPrefix(lines[0], "#!")
	words := strings.Fields(first)
	switch {
	case !is || len(words) == 0:
		return ""
	case filepath.Base(words[0]) == "sh":
		rest, is := strings.CutPrefix(lines[1], "'''exec' ")
		if !is {
			return ""
		}
		if quoted, is := strings.CutPrefix(rest, `"`); is {
			name, _, _ := strings.Cut(quoted, `"`)
			return name
		}
		name, _, _ := strings.Cut(rest, " ")
		return name
	case filepath.Base(words[0]) == "env":
		for _, w := range words[1:] {
			if !strings.HasPrefix(w, "-") && !strings.Contains(w, "=") {
				return w
			}
		}
		return ""
	default:
		return words[0]
	}
}
