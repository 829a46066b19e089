package schema

import (
	"cmp"
	"slices"
)

// APIVersion is the version of the language. A document valid under it stays
// valid under it for ever.
const APIVersion = "runback/v1"

// Playbook is a rollback procedure as it was written.
type Playbook struct {
	APIVersion string   `json:"apiVersion" enum:"runback/v1" doc:"version of the language"`
	Kind       string   `json:"kind" enum:"Playbook" doc:"kind of document"`
	Metadata   Metadata `json:"metadata" doc:"what the playbook is called and who owns it"`
	Spec       Spec     `json:"spec" doc:"what it does"`

	Criteria []Step `json:"-"` // of success, as steps
}

// Metadata says what a playbook is called and who owns it.
type Metadata struct {
	Name        string            `json:"name" doc:"short name, lower case with dashes; what a person types at 3 a.m."`
	Version     string            `json:"version" doc:"semantic version; a run records name, version and content digest"`
	Title       string            `json:"title,omitempty" doc:"one line for lists"`
	Description string            `json:"description,omitempty" doc:"what it does and when to use it"`
	Owners      []string          `json:"owners,omitempty" doc:"teams that answer for it"`
	Labels      map[string]string `json:"labels,omitempty" doc:"free labels"`
}

// Spec says what a playbook does.
type Spec struct {
	Budget        Duration                `json:"budget" doc:"time the whole run may take; deadlines are absolute, a resume does not extend them"`
	Inputs        Inputs                  `json:"inputs,omitempty" doc:"what may be set from outside, by name"`
	Secrets       map[string]SecretSource `json:"secrets,omitempty" doc:"values that are used and never shown or recorded, by name: ${{ secrets.NAME }}"`
	Target        Target                  `json:"target,omitempty" doc:"what the playbook acts on"`
	Steps         []Step                  `json:"steps" doc:"what is done, in order"`
	Rescue        []Step                  `json:"rescue,omitempty" doc:"what is done when the steps failed"`
	Finally       []Step                  `json:"finally,omitempty" doc:"what is always done at the end"`
	Success       []Criterion             `json:"success,omitempty" doc:"what must come true once the steps are done, and hold; all of it is watched at the same time, on top of the budget"`
	FinallyBudget Duration                `json:"finally_budget" default:"1m" doc:"time of the finally steps, on top of the budget"`
	Outputs       map[string]Expr         `json:"outputs,omitempty" doc:"what it gives to a playbook that runs it as a step, each an expression over its steps"`
}

// Target says what a playbook acts on.
type Target struct {
	Kubernetes *KubernetesTarget          `json:"kubernetes,omitempty" doc:"a namespace of a cluster"`
	Databases  map[string]DatabaseTarget  `json:"databases,omitempty" doc:"PostgreSQL databases, each under the name that steps call it by"`
	Terraform  map[string]TerraformTarget `json:"terraform,omitempty" doc:"terraform or OpenTofu directories, each under the name that steps call it by"`
	Protected  bool                       `json:"protected,omitempty" doc:"whether only a saved plan that somebody else approved may be run on it"`
}

// KubernetesTarget is a namespace of a cluster. Steps act in it and nowhere
// else.
type KubernetesTarget struct {
	Context   Tree `json:"context,omitempty" doc:"kubeconfig context; --context wins over it"`
	Namespace Tree `json:"namespace,omitempty" doc:"namespace; --namespace wins over it"`
	Cluster   Tree `json:"cluster,omitempty" doc:"UID of the namespace kube-system, which is the identity of a cluster; a run against another cluster is refused"`
}

// DatabaseTarget is one PostgreSQL database. It holds no password, because it
// is recorded and shown.
type DatabaseTarget struct {
	URL          Tree `json:"url" doc:"postgres://user@host:port/database, with sslmode and the like as its query and without a password; empty leaves the database out"`
	PasswordEnv  Tree `json:"password_env,omitempty" doc:"variable of the environment of runback that holds the password"`
	PasswordFile Tree `json:"password_file,omitempty" doc:"file that holds the password and nothing else, a last newline aside; without it and password_env the password file of libpq is asked"`
	System       Tree `json:"system,omitempty" doc:"system identifier of the server, which is its identity: select system_identifier from pg_control_system(); another server is refused"`
}

// TerraformTarget is one directory with a terraform configuration.
type TerraformTarget struct {
	Dir       Tree `json:"dir" doc:"the directory of the root module; empty leaves it out"`
	Workspace Tree `json:"workspace,omitempty" doc:"workspace; without it \"default\", never the one that happens to be selected"`
	Lineage   Tree `json:"lineage,omitempty" doc:"lineage of the state, which is its identity: terraform state pull; another state is refused"`
	Program   Tree `json:"program,omitempty" doc:"terraform, tofu, or a path; without it terraform"`
}

// Step is one typed action, or a block of steps.
type Step struct {
	Pos  Pos    `json:"-"`
	ID   string `json:"id,omitempty" doc:"name by which expressions refer to the step; made from the name when left out"`
	Name string `json:"name,omitempty" doc:"what the step does, for people"`

	UsesPos   Pos          `json:"-"` // where uses was written
	Uses      string       `json:"uses,omitempty" doc:"action, as in: runback actions"`
	With      Tree         `json:"with,omitempty" doc:"inputs of the action"`
	Expect    Expectations `json:"expect,omitempty" doc:"what must be true of the outputs; otherwise the run is refused before it changes anything more"`
	Verify    *Verify      `json:"verify,omitempty" doc:"what must come true after the step, and hold"`
	Timeout   Duration     `json:"timeout,omitempty" doc:"time the step may take, all attempts and its verification together"`
	Retry     *Retry       `json:"retry,omitempty" doc:"what to do when an attempt fails"`
	OnFailure string       `json:"on_failure" enum:"stop|continue" default:"stop" doc:"whether the run goes on when the step failed; a refusal and a doubt end it all the same"`

	When    Expr     `json:"when,omitzero" doc:"guard: the step is skipped when it is false; an unknown value never counts as true"`
	Budget  Duration `json:"budget,omitempty" doc:"time a block may take"`
	Steps   []Step   `json:"steps,omitempty" doc:"makes this a block: its steps, in order"`
	Rescue  []Step   `json:"rescue,omitempty" doc:"of a block: what is done when its steps failed"`
	Finally []Step   `json:"finally,omitempty" doc:"of a block: what is always done at its end"`

	Foreach  Tree `json:"foreach,omitempty" doc:"of a block: a list, or an expression that gives one; the block is done for each of its elements, which its expressions call item"`
	Parallel bool `json:"parallel,omitempty" doc:"of a block: its steps go on side by side, or with foreach its turns; when one fails no other one begins, and those that began end as they would"`
	AtOnce   int  `json:"at_once,omitempty" minimum:"1" maximum:"64" doc:"how many go on side by side; without it all of them, 64 at most"`
}

// IsBlock says whether the step holds steps rather than an action.
func (s *Step) IsBlock() bool { return len(s.Steps) > 0 || s.Uses == "" || s.Calls() }

// CallAction is the word under uses that makes a step of another playbook.
const CallAction = "playbook.run"

// Calls says whether the step is another playbook.
func (s *Step) Calls() bool { return s.Uses == CallAction }

// Label is what people call the step.
func (s *Step) Label() string { return cmp.Or(s.Name, s.ID, s.Uses) }

// Verify says what must come true after a step and hold. An observation is
// made again each time; a change is asked again whether it holds.
type Verify struct {
	Until  Expr     `json:"until" doc:"what must come true of the outputs"`
	Every  Duration `json:"every" default:"1s" doc:"time between two looks"`
	For    Duration `json:"for" default:"0s" doc:"stability window: how long it must stay true"`
	Within Duration `json:"within" default:"1m" doc:"time in which it must come true and have held"`
}

// Retry says what to do when an attempt fails.
type Retry struct {
	Attempts int      `json:"attempts" minimum:"1" maximum:"100" doc:"attempts in all"`
	Delay    Duration `json:"delay" default:"1s" doc:"wait before the second attempt"`
	Backoff  float64  `json:"backoff" default:"2" minimum:"1" maximum:"10" doc:"factor by which the wait grows"`
	MaxDelay Duration `json:"max_delay" default:"30s" doc:"longest wait"`
}

// Expectation is one assertion on the outputs of a step.
type Expectation struct {
	That    Expr   `json:"that" doc:"what must be true"`
	Message string `json:"message,omitempty" doc:"what to tell the operator when it is not"`
}

// Expectations is written as one expression, or as a list of expressions and
// of maps with that and message.
type Expectations []Expectation

// SchemaType says how expectations appear in the language.
func (*Expectations) SchemaType() *Type { return &Type{Kind: "expectations"} }

// DecodeTree reads any of the written forms.
func (e *Expectations) DecodeTree(t Tree, r *Report) {
	items := []Tree{t}
	if t.Kind == List {
		items = t.Items
	}
	for _, it := range items {
		var x Expectation
		if it.Kind == Map {
			r.Found = append(r.Found, Decode(it, &x)...)
		} else {
			x.That.DecodeTree(it, r)
		}
		*e = append(*e, x)
	}
}

// Input is one declared input.
type Input struct {
	Name        string   `json:"-"`
	Pos         Pos      `json:"-"`
	Type        string   `json:"type" enum:"string|int|number|bool|duration|share|list" doc:"type of the value; a list holds text, on the command line with commas between"`
	Default     Tree     `json:"default,omitempty" doc:"value when none is given; without it the input is required"`
	Description string   `json:"description,omitempty" doc:"what the input is for"`
	Minimum     *float64 `json:"minimum,omitempty" doc:"least value of a number"`
	Maximum     *float64 `json:"maximum,omitempty" doc:"greatest value of a number"`
	Enum        []string `json:"enum,omitempty" doc:"the only values allowed; of a list, for each element"`
	Pattern     string   `json:"pattern,omitempty" doc:"regular expression that text, or each element of a list, must match as a whole"`
}

// Inputs keeps the declared inputs in the order of the file, which is the
// order in which they are shown.
type Inputs []Input

// SchemaType says how inputs appear in the language.
func (*Inputs) SchemaType() *Type { return &Type{Kind: "inputs"} }

// DecodeTree reads a map of name to declaration.
func (in *Inputs) DecodeTree(t Tree, r *Report) {
	if t.Kind != Map {
		r.Fail(t.Pos, 1, "write name: {type: string, default: ...}", "expected a map of inputs, found %s", t.Kind)
		return
	}
	for _, p := range t.Pairs {
		var decl Input
		r.Found = append(r.Found, Decode(p.Value, &decl)...)
		decl.Name, decl.Pos = p.Key, p.At
		*in = append(*in, decl)
	}
}

// Lookup gives an input by its name, or nil.
func (in Inputs) Lookup(name string) *Input {
	i := slices.IndexFunc(in, func(x Input) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return &in[i]
}

// Names lists the inputs in order.
func (in Inputs) Names() []string {
	out := make([]string, len(in))
	for i, x := range in {
		out[i] = x.Name
	}
	return out
}
