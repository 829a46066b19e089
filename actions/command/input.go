package command

import (
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

// program is what both actions are told.
type program struct {
	Args         []string          `json:"args" doc:"the program and its arguments, one item each; no shell splits or expands them"`
	Dir          string            `json:"dir,omitempty" doc:"folder to run it in; without it, the one that runback was started in"`
	Env          map[string]string `json:"env,omitempty" doc:"variables on top of the environment of runback, which is passed on without the passwords of the databases of the target; they are recorded, so a secret belongs into secret"`
	Stdin        string            `json:"stdin,omitempty" doc:"text for its standard input; it is recorded"`
	Secret       string            `json:"secret,omitempty" secret:"true" doc:"text that the program reads from the file that the variable RUNBACK_SECRET names; it is held in memory and in no file, argument or record; what the program itself prints is kept as it is, in the folder of the child process, which only you can read"`
	SuccessCodes []int             `json:"success_codes,omitempty" doc:"exit codes that mean success; without it only 0"`
	Grace        schema.Duration   `json:"grace" default:"10s" doc:"how long it has to end after SIGINT, and again after SIGTERM, when it must be stopped; then comes SIGKILL"`
}

type question struct {
	Args []string `json:"args" doc:"the program that is asked and its arguments"`
}

func (p program) valid() error {
	if len(p.Args) == 0 || p.Args[0] == "" {
		return actions.Invalid("write it like args: [pg_isready, -h, db]", "args name no program")
	}
	for name := range p.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return actions.Invalid("", "env: %q is no name of a variable", name)
		}
	}
	for _, text := range slices.Concat(p.Args, values(p.Env)) {
		if strings.Contains(text, "\x00") {
			return actions.Invalid("", "%q cannot be given to a program: it holds a zero byte", text)
		}
	}
	return nil
}

func values(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func (p program) order(st prepared) tool.Order {
	o := tool.Order{Program: st.Program, Args: p.Args, Dir: st.Dir, Env: tool.Environment(p.Env), Stdin: []byte(p.Stdin), Grace: p.Grace.Std()}
	if p.Secret != "" {
		o.Secret, o.Env = []byte(p.Secret), append(o.Env, secretVariable+"="+supervise.SecretPath)
	}
	return o
}

// secretVariable names the file from which the program reads its secret.
const secretVariable = "RUNBACK_SECRET"
