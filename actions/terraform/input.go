package terraform

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// options are what a plan is made with. All of them are part of the plan, so
// none of them is given to the apply of it: terraform would ignore the targets
// without a word.
type options struct {
	Targets []string `json:"targets,omitempty" doc:"resources or modules to limit the plan to, like module.app; what they leave out is owed as a full plan"`
	Refresh bool     `json:"refresh" default:"true" doc:"whether to ask the real objects first; false compares with the recorded state only, which may be fiction"`
	values
}

// values are those of every plan.
type values struct {
	VarFiles    []string          `json:"var_files,omitempty" doc:"files with values of variables, seen from the directory of the configuration"`
	Vars        map[string]string `json:"vars,omitempty" doc:"values of variables, recorded and shown: a sensitive variable is refused and belongs into a file"`
	Parallelism int               `json:"parallelism" default:"10" minimum:"1" maximum:"100" doc:"how many resources are worked on at the same time"`
	LockTimeout schema.Duration   `json:"lock_timeout" default:"60s" doc:"how long to wait for the lock of the state"`
}

// destructive says what an apply may take away.
type destructive struct {
	AllowDelete  []string `json:"allow_delete,omitempty" doc:"types or addresses of resources that may be deleted or replaced; an address includes what is below it; without it nothing may"`
	AllowReplace []string `json:"allow_replace,omitempty" doc:"types or addresses of resources that may be replaced"`
}

type place struct {
	Terraform string `json:"terraform,omitempty" names:"terraform" doc:"name of the directory in the target; may be left out when there is one"`
}

type planIn struct {
	place
	options
	Ref string `json:"ref,omitempty" doc:"commit, tag or branch whose configuration is planned; without it the configuration as it stands"`
}

type applyIn struct {
	place
	options
	destructive
	ExpectSerial *int            `json:"expect_serial,omitempty" doc:"serial that the state must have; any other is refused"`
	Grace        schema.Duration `json:"grace" default:"60s" doc:"how long terraform has, when its time is over, to finish what it began and to write the state; then it is ended hard"`
}

type rollbackIn struct {
	applyIn
	Ref string `json:"ref" doc:"commit, tag or branch of the repository that holds the directory: the configuration to go back to"`
}

// planTimeout keeps a plan that only looks from waiting long for a lock: who
// holds it is the answer.
const planTimeout = 5 * time.Second

func inPlan(c *actions.Call) bool { return strings.HasPrefix(c.Key, "plan/") }

// args gives the arguments of the plan.
func (o options) args(out string, wait time.Duration, lock bool) []string {
	args := []string{"plan", "-input=false", "-json", "-detailed-exitcode", "-out=" + out, "-parallelism=" + strconv.Itoa(o.Parallelism)}
	if lock {
		args = append(args, "-lock-timeout="+wait.String())
	} else {
		args = append(args, "-lock=false")
	}
	if !o.Refresh {
		args = append(args, "-refresh=false")
	}
	for _, t := range o.Targets {
		args = append(args, "-target="+t)
	}
	for _, f := range o.VarFiles {
		args = append(args, "-var-file="+f)
	}
	names := make([]string, 0, len(o.Vars))
	for name := range o.Vars {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, "-var="+name+"="+o.Vars[name])
	}
	return args
}

func (o options) valid(dir string) error {
	for _, t := range o.Targets {
		if strings.TrimSpace(t) == "" {
			return actions.Invalid("write it like targets: [module.app]", "a target is empty")
		}
	}
	for name, value := range o.Vars {
		if name == "" || strings.ContainsAny(name, "= \x00") || strings.Contains(value, "\x00") {
			return actions.Invalid("", "vars: %q is no name of a variable, or its value holds a zero byte", name)
		}
	}
	for _, file := range o.VarFiles {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if err := readable(file); err != nil {
			return actions.Invalid("a file that is not in the repository is named with its whole path", "var_files: %w", err)
		}
	}
	return nil
}
