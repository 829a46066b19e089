package arch

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/runbackhq/runback"

// walls says what of ours a package may import. A package that is not named
// here is a mistake: say first what it knows. The longest matching name counts.
func walls() map[string][]string {
	return map[string][]string{
		"schema":                       {},
		"actions":                      {"schema"},
		"actions/actionstest":          {"actions", "schema"},
		"actions/all":                  {"actions", "actions/*", "internal/kube", "internal/pod", "internal/tool"},
		"actions/*":                    {"actions", "schema"},
		"actions/alembic":              {"actions", "schema", "internal/supervise", "internal/tool", "internal/pg", "internal/pod"},
		"actions/command":              {"actions", "schema", "internal/supervise", "internal/tool"},
		"actions/argo":                 {"actions", "schema", "internal/kube"},
		"actions/flagger":              {"actions", "schema", "internal/kube"},
		"actions/k8s":                  {"actions", "schema", "internal/kube", "internal/kubeapi", "internal/pod"},
		"actions/helm":                 {"actions", "schema", "internal/kubeapi", "internal/supervise", "internal/tool"},
		"actions/postgres":             {"actions", "schema", "internal/supervise", "internal/tool", "internal/pg"},
		"actions/terraform":            {"actions", "schema", "internal/supervise", "internal/tool"},
		"internal/guard":               {"schema"},
		"internal/journal":             {"actions", "schema", "internal/guard", "internal/process"},
		"internal/journal/journaltest": {"internal/journal"},
		"internal/journal/sqlite":      {"internal/journal"},
		"internal/process":             {},
		"internal/supervise":           {"internal/process"},
		"internal/tool":                {"actions", "internal/supervise"},
		"internal/kube":                {"actions"},
		"internal/kubeapi":             {},
		"internal/pod":                 {"actions", "internal/kubeapi"},
		"internal/pg":                  {"actions", "internal/supervise"},
		"internal/testpostgres":        {},
		"internal/lock":                {"internal/journal"},
		"internal/lock/kubelease":      {"internal/lock", "internal/kubeapi", "actions"},
		"internal/testcluster":         {},
		"internal/testargo":            {"internal/kube", "internal/testcluster"},
		"internal/terminal":            {},
		"internal/arch":                {},
		"internal/bench":               {},
		"internal/e2e":                 {},
		"internal/secret":              {},
		"executor":                     {"schema", "actions", "internal/guard", "internal/journal", "internal/lock", "internal/secret"},
		"playbooks":                    {},
		"internal/cli":                 {"*"},
		"cmd/runback":                  {"internal/cli"},
	}
}

type source struct {
	pkg, path string
	file      *ast.File
	text      []byte
}

// sources parses every Go file of this module that is not a test.
func sources(t *testing.T) []source {
	t.Helper()
	top := filepath.Join("..", "..")
	var out []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, top+string(filepath.Separator)))
		if d.IsDir() {
			if rel == "internal/sandbox" || d.Name() == "testdata" || d.Name() == "bin" || (strings.HasPrefix(d.Name(), ".") && path != top) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{filepath.ToSlash(filepath.Dir(rel)), rel, f, text})
		return nil
	})
	if err != nil || len(out) < 50 {
		t.Fatalf("%d files found: %v", len(out), err)
	}
	return out
}

func TestImportsPointOneWay(t *testing.T) {
	rules := walls()
	for _, s := range sources(t) {
		allowed, ok := ruleFor(rules, s.pkg)
		if !ok {
			t.Errorf("package %s has no wall: say in this test what it may import", s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if name == "gopkg.in/yaml.v3" && s.pkg != "schema" {
				t.Errorf("%s imports %s; only schema does", s.path, name)
			}
			ours, inside := strings.CutPrefix(name, module+"/")
			if inside && !matches(allowed, ours) {
				t.Errorf("%s imports %s; %s may import %v", s.path, ours, s.pkg, allowed)
			}
		}
	}
}

func ruleFor(rules map[string][]string, pkg string) ([]string, bool) {
	if r, ok := rules[pkg]; ok {
		return r, true
	}
	r, ok := rules[filepath.ToSlash(filepath.Dir(pkg))+"/*"]
	return r, ok
}

func matches(allowed []string, pkg string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return a == "*" || a == pkg || strings.HasSuffix(a, "/*") && filepath.ToSlash(filepath.Dir(pkg)) == strings.TrimSuffix(a, "/*")
	})
}

// The walls themselves: what they must keep out and let in.
func TestWallsHold(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		ok       bool
	}{
		{"schema", "actions", false},
		{"actions", "executor", false},
		{"actions", "internal/journal", false},
		{"actions/k8s", "actions", true},
		{"actions/k8s", "actions/http", false},
		{"actions/k8s", "executor", false},
		{"actions/new", "actions/k8s", false},
		{"actions/new", "schema", true},
		{"actions/all", "actions/k8s", true},
		{"executor", "actions", true},
		{"executor", "actions/k8s", false},
		{"executor", "actions/all", false},
		{"executor", "internal/journal/sqlite", false},
		{"executor", "internal/cli", false},
		{"internal/guard", "internal/journal", false},
		{"internal/journal", "executor", false},
		{"internal/journal", "internal/journal/sqlite", false},
		{"internal/process", "internal/cli", false},
		{"internal/cli", "executor", true},
		{"cmd/runback", "internal/cli", true},
		{"cmd/runback", "executor", false},
	} {
		allowed, known := ruleFor(walls(), tc.from)
		if !known || matches(allowed, tc.to) != tc.ok {
			t.Errorf("%s may import %s: %v", tc.from, tc.to, !tc.ok)
		}
	}
	if _, known := ruleFor(walls(), "internal/somewhere"); known {
		t.Error("a package that nobody named has a wall")
	}
}

func TestEveryPackageSaysWhatItKnows(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[s.pkg] = documented[s.pkg] || s.file.Doc.Text() != ""
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "models", "misc"}, s.file.Name.Name) {
			t.Errorf("%s: package %s says nothing by its name", s.path, s.file.Name.Name)
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

func TestNoStateOfThePackage(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			// A supervisor takes over before the rest of the program is initialised;
			// main_init.go says why.
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && s.pkg != "internal/supervise" {
				t.Errorf("%s has an init", s.path)
			}
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					checkVar(t, s, g, spec.(*ast.ValueSpec))
				}
			}
		}
	}
}

// checkVar lets pass what cannot change or is nobody's state: blank
// assertions, sentinel errors, compiled patterns (lazily: when first needed), embedded files.
func checkVar(t *testing.T, s source, g *ast.GenDecl, v *ast.ValueSpec) {
	t.Helper()
	embedded := strings.Contains(docText(g), "go:embed")
	for i, name := range v.Names {
		if name.Name == "_" || embedded {
			continue
		}
		if i < len(v.Values) {
			if call, ok := v.Values[i].(*ast.CallExpr); ok && slices.Contains([]string{"regexp.MustCompile", "lazily", "errors.New"}, callee(call)) {
				continue
			}
			if lit, ok := v.Values[i].(*ast.CompositeLit); ok && s.pkg == "actions/k8s" && typeName(lit) == "kind" {
				continue // names of kinds: structs of strings
			}
		}
		t.Errorf("%s: variable %s of the package", s.path, name.Name)
	}
}

// typeName is the type of a literal, or "" when it is a map, a list or of
// another package.
func typeName(lit *ast.CompositeLit) string {
	id, ok := lit.Type.(*ast.Ident)
	if !ok {
		return ""
	}
	return id.Name
}

func docText(g *ast.GenDecl) string {
	if g.Doc == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range g.Doc.List {
		b.WriteString(c.Text)
	}
	return b.String()
}

func callee(c *ast.CallExpr) string {
	if id, ok := c.Fun.(*ast.Ident); ok {
		return id.Name
	}
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + sel.Sel.Name
}

func TestFilesAreSmall(t *testing.T) {
	over200, all := 0, 0
	for _, s := range sources(t) {
		lines := 0
		for sc := bufio.NewScanner(bytes.NewReader(s.text)); sc.Scan(); {
			lines++
		}
		all++
		if lines > 400 {
			t.Errorf("%s has %d lines; is it one thing?", s.path, lines)
		}
		if lines > 200 {
			over200++
		}
	}
	if over200*10 > all {
		t.Errorf("%d of %d files have more than 200 lines", over200, all)
	}
}
