package executor_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

const everyPart = `apiVersion: runback/v1
kind: Playbook
metadata: {name: parts, version: 1.0.0}
spec:
  budget: 1m
  inputs:
    url: {type: string, default: "postgres://app@db:5432/app"}
    dir: {type: string, default: infra}
  target:
    kubernetes: {namespace: shop}
    databases:
      app: {url: "${{ inputs.url }}", password_env: APP_PASSWORD}
      other: {url: "postgres://app@db:5432/other", system: "7"}
    terraform:
      app: {dir: "${{ inputs.dir }}", program: tofu}
  steps:
    - {id: act, uses: t.act, with: {database: app}}
`

type actIn struct {
	Database  string `json:"database,omitempty" names:"databases" doc:"a database of the target"`
	Terraform string `json:"terraform,omitempty" doc:"not named by a tag, so not checked"`
}

func partsRegistry() actions.Registry {
	act := actions.Def[actIn, struct{}, struct{}]{Name: "t.act", Run: func(context.Context, *actions.Call, actIn, struct{}) (struct{}, error) { return struct{}{}, nil }}
	return actions.Registry{"t.act": actions.Define(act)}
}

func resolveParts(t *testing.T, given map[string]string) actions.Target {
	t.Helper()
	p, found := executor.Compile(schema.Source{File: "parts.yaml", Text: []byte(everyPart)}, partsRegistry())
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	inputs, err := p.Bind(given, nil)
	if err != nil {
		t.Fatal(err)
	}
	target, err := p.Target(inputs, executor.Override{Context: "here"})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestTargetHasEveryPart(t *testing.T) {
	want := actions.Target{
		Kubernetes: actions.KubernetesTarget{Context: "here", Namespace: "shop"},
		Databases: map[string]actions.DatabaseTarget{
			"app":   {URL: "postgres://app@db:5432/app", PasswordEnv: "APP_PASSWORD"},
			"other": {URL: "postgres://app@db:5432/other", System: "7"},
		},
		Terraform: map[string]actions.TerraformTarget{"app": {Dir: "infra", Workspace: "default", Program: "tofu"}},
	}
	if got := resolveParts(t, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	// What no input names is left out rather than taken from the surroundings.
	delete(want.Databases, "app")
	want.Terraform = nil
	if got := resolveParts(t, map[string]string{"url": "", "dir": ""}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestBoundTargetLeavesNothingOpen(t *testing.T) {
	id := journal.Identity{"context": "ctx", "namespace": "shop", "database.app.system": "1", "database.other.system": "7",
		"terraform.app.dir": "/srv/infra", "terraform.app.lineage": "l-1"}
	was := resolveParts(t, nil)
	got := executor.Bound(was, id)
	if got.Kubernetes.Context != "ctx" || got.Databases["app"].System != "1" || got.Terraform["app"].Dir != "/srv/infra" || got.Terraform["app"].Lineage != "l-1" {
		t.Errorf("%+v", got)
	}
	if was.Databases["app"].System != "" || was.Terraform["app"].Dir != "infra" {
		t.Errorf("the target that was given is another one now: %+v", was)
	}
}

func TestWhatTwoRunsMayNotShare(t *testing.T) {
	cluster := journal.Identity{"cluster": "c", "namespace_uid": "n"}
	other := journal.Identity{"cluster": "c", "namespace_uid": "m", "database.app.system": "1", "database.app.database": "app"}
	renamed := journal.Identity{"database.main.system": "1", "database.main.database": "app"}
	beside := journal.Identity{"database.main.system": "1", "database.main.database": "other"}
	infra := journal.Identity{"terraform.a.dir": "/x", "terraform.a.lineage": "l", "terraform.a.workspace": "w"}
	moved := journal.Identity{"terraform.b.dir": "/y", "terraform.b.lineage": "l", "terraform.b.workspace": "w"}
	stage := journal.Identity{"terraform.b.dir": "/y", "terraform.b.lineage": "l", "terraform.b.workspace": "v"}
	for _, tc := range []struct {
		name string
		a, b journal.Identity
		want bool
	}{
		{"the same namespace", cluster, cluster, true},
		{"another namespace", cluster, other, false},
		{"one database under two names", other, renamed, true},
		{"another database of the server", renamed, beside, false},
		{"one state from two directories", infra, moved, true},
		{"another workspace", infra, stage, false},
		{"nothing that has an identity", journal.Identity{}, journal.Identity{}, false},
	} {
		if got := executor.SharesTarget(tc.a, tc.b); got != tc.want || executor.SharesTarget(tc.b, tc.a) != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestNamesOfTheTargetAreChecked(t *testing.T) {
	for name, tc := range map[string]struct{ was, is, says string }{
		"a name that is not there":  {"{database: app}", "{database: ap}", `parts.yaml:17:47: the target has no database "ap"`},
		"several and none is named": {"{database: app}", "{}", "the target has 2 databases, and the step names none"},
		"none at all":               {everyPart[strings.Index(everyPart, "    databases:"):strings.Index(everyPart, "    terraform:")], "", "the target has no databases"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(everyPart, tc.was, tc.is, 1)
			_, found := executor.Compile(schema.Source{File: "parts.yaml", Text: []byte(text)}, partsRegistry())
			if err := found.Err(); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
}
