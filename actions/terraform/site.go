package terraform

import (
	"cmp"
	"os"
	"path/filepath"
	"sync"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// site is a configuration at a place where it can be planned and applied.
type site struct {
	Home      string       `json:"dir"`              // the directory that the target names, absolute
	Dir       string       `json:"at"`               // where the program runs: Home, or a checkout of an earlier commit
	Data      string       `json:"data,omitempty"`   // a data directory of ours; "" is the .terraform in Home
	Commit    string       `json:"commit,omitempty"` // of the checkout
	Workspace string       `json:"workspace"`
	Program   tool.Program `json:"program"`
	lineage   string       // that was pinned, or ""
}

// open gives the directory of a target; find looks for the program.
func open(t actions.TerraformTarget, find func(name, dir string) (tool.Program, error)) (site, error) {
	s := site{Workspace: cmp.Or(t.Workspace, "default"), lineage: t.Lineage}
	var err error
	if s.Home, err = tool.Folder(t.Dir); err != nil {
		return s, err
	}
	s.Dir = s.Home
	s.Program, err = find(cmp.Or(t.Program, "terraform"), s.Home)
	return s, err
}

// site resolves what a step names.
func (f family) site(c *actions.Call, name string) (site, error) {
	t, err := c.Target.TerraformDir(name)
	if err != nil {
		return site{}, err
	}
	return open(t, f.found.find)
}

// programs remembers what was found: to hash one takes as long as to start it.
type programs struct {
	mu    sync.Mutex
	known map[string]tool.Program // by path
}

func (p *programs) find(name, dir string) (tool.Program, error) {
	path, err := tool.Where(name, dir)
	if err != nil {
		return tool.Program{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if was, ok := p.known[path]; ok && was.Same() == nil {
		return was, nil
	}
	found, err := tool.Find(path, dir)
	if err == nil {
		p.known[path] = found
	}
	return found, err
}

// recall gives a recorded program as it was found in this process, if it was.
func (p *programs) recall(recorded tool.Program) tool.Program {
	p.mu.Lock()
	defer p.mu.Unlock()
	if was, ok := p.known[recorded.Path]; ok && was.SHA256 == recorded.SHA256 {
		return was
	}
	return recorded
}

// data is where terraform keeps what init found.
func (s site) data() string { return cmp.Or(s.Data, filepath.Join(s.Dir, ".terraform")) }

// environment is that of a child. What would change the meaning of a plan
// behind our back is dropped: values of variables, further arguments, another
// workspace or data directory, logs that hold secrets. Credentials, the
// configuration of the program and its plugin cache stay.
func (s site) environment() []string {
	set := map[string]string{"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "TF_WORKSPACE": s.Workspace}
	if s.Data != "" {
		set["TF_DATA_DIR"] = s.Data
	}
	return tool.Environment(set, "TF_VAR_", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_LOG", "TF_INPUT", "TF_DATA_DIR", "TF_REATTACH_PROVIDERS")
}

// name is how the program is called in messages.
func (s site) name() string { return filepath.Base(s.Program.Path) }

// object names the place for people and for the fields of a preview.
func (s site) object() string { return s.name() + " " + s.Home + " (" + s.Workspace + ")" }

func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}
