package command

import (
	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// prepared is what was made absolute before the command runs.
type prepared struct {
	tool.Job
	Dir     string        `json:"dir"`
	Program tool.Program  `json:"program"`
	Probe   *tool.Program `json:"probe,omitempty"`
}

// prepare finds the program and the folder, and changes nothing.
func (p program) prepare(key string, probe *question) (prepared, error) {
	var st prepared
	if err := p.valid(); err != nil {
		return st, err
	}
	var err error
	if st.Dir, err = tool.Folder(p.Dir); err != nil {
		return st, err
	}
	if st.Program, err = tool.Find(p.Args[0], st.Dir); err != nil {
		return st, err
	}
	if probe != nil {
		if err := (program{Args: probe.Args}).valid(); err != nil {
			return st, actions.Invalid(actions.HintOf(err), "probe: %w", err)
		}
		f, err := tool.Find(probe.Args[0], st.Dir)
		if err != nil {
			return st, actions.Invalid(actions.HintOf(err), "probe: %w", err)
		}
		st.Probe = &f
	}
	st.Job = tool.Announce(key)
	return st, nil
}
