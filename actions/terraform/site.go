package terraform

import (
	"cmp"
	"os"
	"path/filepath"

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

// open gives the directory of a target.
func open(t actions.TerraformTarget) (site, error) {
	s := site{Workspace: cmp.Or(t.Workspace, "default"), lineage: t.Lineage}
	var err error
	if s.Home, err = tool.Folder(t.Dir); err != nil {
		return s, err
	}
	s.Dir = s.Home
	s.Program, err = tool.Find(cmp.Or(t.Program, "terraform"), s.Home)
	return s, err
}

// site resolves what a step names.
func (f family) site(c *actions.Call, name string) (site, error) {
	t, err := c.Target.TerraformDir(name)
	if err != nil {
		return site{}, err
	}
	return open(t)
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
