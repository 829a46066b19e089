package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// A saved plan is in a folder of its own beside that of the child that is to
// apply it, together with a note that says whose it is.
const (
	folderSuffix = ".plan"
	noteFile     = "step.json"
	planFile     = "plan"
)

// note says which child a folder belongs to, for whoever finds a lock later.
type note struct {
	Job       tool.Job `json:"job"`
	Home      string   `json:"dir"`
	Workspace string   `json:"workspace"`
	Backend   string   `json:"backend"`
}

func readNote(path string) (note, error) {
	var n note
	b, err := os.ReadFile(path)
	if err != nil {
		return n, err
	}
	return n, json.Unmarshal(b, &n)
}

// folder gives the place of the plan of an attempt.
func (f family) folder(j tool.Job) (string, error) {
	base, err := f.room.Base()
	if err != nil {
		return "", actions.Invalid(actions.HintOf(err), "nowhere to keep the plan: %w", err)
	}
	return filepath.Join(base, j.Child+folderSuffix), nil
}

// reserve makes the folder of an attempt with an empty file for the plan:
// terraform writes into a file that is there without changing its mode.
func (f family) reserve(j tool.Job, s site) (path string, err error) {
	dir, err := f.folder(j)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("folder of the plan: %w", err)
	}
	raw, err := json.Marshal(note{j, s.Home, s.Workspace, s.backend().String()})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, noteFile), raw, 0o600)
	}
	path = filepath.Join(dir, planFile)
	if err == nil {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("folder of the plan: %w", err)
	}
	return path, nil
}

// settle makes a plan durable and gives its hash: after this it is announced.
func settle(path string) (sum string, err error) {
	for _, p := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := syncFile(p); err != nil {
			return "", fmt.Errorf("plan: %w", err)
		}
	}
	return tool.Digest(path)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// forget takes a plan away when nothing needs it any more: it holds secrets.
func (f family) forget(j tool.Job) {
	if dir, err := f.folder(j); err == nil && j.Child != "" {
		_ = os.RemoveAll(dir) // the next attempt of the step tries it again
	}
}

// tidy takes away the plans of earlier attempts of the same step, which this one
// replaces.
func (f family) tidy(j tool.Job) {
	base, err := f.room.Base()
	if err != nil {
		return
	}
	step := j.Child[:strings.LastIndex(j.Child, "-")+1]
	found, err := filepath.Glob(filepath.Join(base, "*"+folderSuffix))
	if err != nil {
		return
	}
	for _, dir := range found {
		child := strings.TrimSuffix(filepath.Base(dir), folderSuffix)
		if child == j.Child || !strings.HasPrefix(child, step) || strings.Contains(child[len(step):], "-") {
			continue
		}
		if end, err := f.room.Look(tool.Job{Child: child, Host: j.Host}); err == nil && end.State != supervise.Running {
			_ = os.RemoveAll(dir)
		}
	}
}

// intact says that the plan that was announced is still the one in the file.
func intact(path, sum string) error {
	now, err := tool.Digest(path)
	if err == nil && now == sum {
		return nil
	}
	if err == nil {
		err = errors.New("it is another one")
	}
	return actions.Conflict("run the playbook again: a new plan is made", "the plan that was announced is not in %s any more: %w", path, err)
}
