package gatewaycrd

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The embedded definitions must be those of the module version in go.mod.
func TestDefinitionsAreFresh(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./generate", dir).CombinedOutput(); err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	want, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(want) == 0 {
		t.Fatalf("generated nothing: %v", err)
	}
	for _, path := range want {
		fresh, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(fresh, have) {
			t.Errorf("%s is stale; run go generate ./gatewaycrd", filepath.Base(path))
		}
	}
}

func TestLoadNamesTheKindsTheFrontFollows(t *testing.T) {
	crds, err := load()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, crd := range crds {
		kinds[crd.Spec.Names.Kind] = true
	}
	for _, kind := range []string{"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"} {
		if !kinds[kind] {
			t.Errorf("no definition of %s", kind)
		}
	}
}
