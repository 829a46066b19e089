package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/playbooks"
	"github.com/runbackhq/runback/schema"
)

var update = flag.Bool("update", false, "write the generated and golden files")

// TestGenerated fails when a generated file is stale; make generate writes it.
func TestGenerated(t *testing.T) {
	_, registry, err := (&App{}).world()
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{
		"schema/playbook.schema.json": generatedSchema(t, registry),
		"docs/actions.md":             generatedActions(registry),
		"docs/commands.md":            generatedCommands(t),
		"docs/language-reference.md":  generatedLanguage(),
	} {
		path := filepath.Join("..", "..", file)
		if *update {
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(have, content) {
			t.Errorf("%s is stale (%v); run: make generate", file, err)
		}
	}
}

func generatedSchema(t *testing.T, registry actions.Registry) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(jsonSchema(registry)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func generatedActions(registry actions.Registry) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Actions\n\nMade by `make generate` from the code; the same text as `runback actions NAME`.\n")
	for _, name := range registry.Names() {
		fmt.Fprintf(&b, "\n## %s\n\n```\n", name)
		writeAction(&b, registry[name].Spec, style{})
		fmt.Fprintf(&b, "```\n")
	}
	return b.Bytes()
}

func generatedCommands(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Commands\n\nMade by `make generate` from the code; the same text as `runback COMMAND --help`.\n")
	commands := []string{""}
	for _, c := range (&App{}).root().Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			commands = append(commands, c.Name())
		}
	}
	for _, cmd := range commands {
		var out bytes.Buffer
		app := &App{In: strings.NewReader(""), Out: &out, Err: &out, Env: func(string) string { return "" }, Width: 80}
		args := append(strings.Fields(cmd), "--help")
		if code := app.Run(context.Background(), args); code != 0 {
			t.Fatalf("%v: exit code %d\n%s", args, code, out.String())
		}
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s```\n", strings.TrimSpace("runback "+cmd), out.String())
	}
	return b.Bytes()
}

// TestExamplesCompile compiles every documented example as a playbook of its
// own, and every playbook we ship.
func TestExamplesCompile(t *testing.T) {
	_, registry, err := (&App{}).world()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range registry.Names() {
		spec := registry[name].Spec
		if len(spec.Examples) == 0 {
			t.Errorf("%s has no example", name)
		}
		for _, e := range spec.Examples {
			text := "apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: example, version: 1.0.0}\nspec:\n  budget: 2h\n  target: {databases: {app: {url: \"\"}}, terraform: {app: {dir: \"\"}}}\n  steps:\n    - {id: locks, uses: postgres.locks}\n    - id: example\n      " +
				strings.ReplaceAll(strings.TrimSpace(e.YAML), "\n", "\n      ") + "\n"
			src := schema.Source{File: name, Text: []byte(text)}
			if _, bad := executor.Compile(src, registry); len(bad) > 0 {
				t.Errorf("example %q:\n%s", e.Title, bad.Render(src.Text))
			}
		}
	}
	files, err := playbooks.Files.ReadDir(".")
	if err != nil || len(files) == 0 {
		t.Fatalf("no playbooks: %v", err)
	}
	for _, f := range files {
		text, err := playbooks.Files.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		src := schema.Source{File: f.Name(), Text: text}
		p, bad := executor.Compile(src, registry)
		if len(bad) > 0 {
			t.Errorf("%s", bad.Render(text))
			continue
		}
		if want := strings.TrimSuffix(f.Name(), ".yaml"); p.Playbook.Metadata.Name != want {
			t.Errorf("%s is named %s", f.Name(), p.Playbook.Metadata.Name)
		}
	}
}
