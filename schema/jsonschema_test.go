package schema_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/runbackhq/runback/actions/all"
	"github.com/runbackhq/runback/playbooks"
	"github.com/runbackhq/runback/schema"
)

// editorSchema compiles the JSON Schema as an editor would see it.
func editorSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	registry, err := all.Registry(nil)
	if err != nil {
		t.Fatal(err)
	}
	var uses []schema.Use
	for _, name := range registry.Names() {
		uses = append(uses, schema.Use{Name: name, Doc: registry[name].Spec.Summary, In: registry[name].Spec.In()})
	}
	b, err := json.Marshal(schema.JSONSchema(uses))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("playbook.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("playbook.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value reads YAML as an editor does, with values that JSON has.
func value(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEditorSchemaAcceptsEveryShippedPlaybook(t *testing.T) {
	s := editorSchema(t)
	files, err := fs.Glob(playbooks.Files, "*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d playbooks, %v", len(files), err)
	}
	for _, file := range files {
		text, err := playbooks.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value(t, text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestEditorSchemaAgreesWithTheLoader(t *testing.T) {
	s := editorSchema(t)
	for _, tc := range []struct {
		step string
		ok   bool
	}{
		{`{id: a, uses: time.sleep, with: {for: 1s}}`, true},
		{`{id: a, uses: time.sleep, with: {for: "${{ inputs.x }}"}}`, true},
		{`{id: a, uses: time.sleep, with: {for: 1s}, when: false}`, true},
		{`{id: a, uses: time.sleep, with: {for: 1s}, expect: [ok, {that: ok, message: m}]}`, true},
		{`{name: b, steps: [{id: a, uses: time.sleep, with: {for: 1s}}], rescue: [{id: c, uses: time.sleep, with: {for: 1s}}]}`, true},
		{`{id: a, uses: time.sleep, with: {for: 1}}`, false},
		{`{id: a, uses: time.sleep, with: {for: soon}}`, false},
		{`{id: a, uses: time.sleep, with: {far: 1s}}`, false},
		{`{id: a, uses: time.sleep, with: {}}`, false},
		{`{id: a, uses: time.sleep}`, false},
		{`{id: a, uses: time.sleeep, with: {for: 1s}}`, false},
		{`{id: a, usess: time.sleep, with: {for: 1s}}`, false},
		{`{id: a, uses: time.sleep, with: {for: 1s}, timeout: 5}`, false},
		{`{id: a, uses: time.sleep, with: {for: 1s}, on_failure: ignore}`, false},
		{`{id: a, uses: time.sleep, with: {for: 1s}, retry: {attempts: 0}}`, false},
		{`{id: a, uses: time.sleep, with: {for: 1s}, retry: {}}`, false},
		{`{id: a, uses: time.sleep, with: {for: 1s}, verify: {every: 1s}}`, false},
		{`{id: a, uses: k8s.scale, with: {deployment: d, replicas: two}}`, false},
		{`{id: a, uses: k8s.scale, with: {deployment: d, replicas: 2}}`, true},
		{`{name: b, steps: [{id: a, uses: nothing.here}]}`, false},
		{`just text`, false},
	} {
		text := []byte("apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: p, version: 1.0.0}\nspec:\n  budget: 3m\n  steps:\n    - " + tc.step + "\n")
		if err := s.Validate(value(t, text)); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.step, err)
		}
	}
}

func TestEditorSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	s := editorSchema(t)
	const rest = "\nspec:\n  budget: 3m\n  steps: [{id: a, uses: time.sleep, with: {for: 1s}}]\n"
	for _, head := range []string{
		"apiVersion: runback/v2\nkind: Playbook\nmetadata: {name: p, version: 1.0.0}",
		"apiVersion: runback/v1\nkind: Project\nmetadata: {name: p, version: 1.0.0}",
		"apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: p}",
		"apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: p, version: 1.10}",
		"apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: p, version: 1.0.0}\nowner: me",
		"apiVersion: runback/v1\nkind: Playbook",
	} {
		if s.Validate(value(t, []byte(head+rest))) == nil {
			t.Errorf("accepted: %s", head)
		}
		if _, found := schema.Load(schema.Source{File: "p", Text: []byte(head + rest)}); len(found) == 0 {
			t.Errorf("the loader accepted: %s", head)
		}
	}
}
