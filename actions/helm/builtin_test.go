package helm

import (
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes/scheme"
)

// TestBuiltIn holds our kinds against those that helm knows. Kinds that are asked
// for and not kept, as reviews are, stand in no manifest.
func TestBuiltIn(t *testing.T) {
	ours, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for gvk := range scheme.Scheme.AllKnownTypes() {
		switch {
		case strings.Contains(gvk.Version, "alpha"), strings.Contains(gvk.Version, "beta"), gvk.Version == "__internal",
			gvk.Group == "authentication.k8s.io", gvk.Group == "authorization.k8s.io",
			gvk.Group == "internal.apiserver.k8s.io", gvk.Group == "imagepolicy.k8s.io":
			continue
		}
		seen++
		if !ours.Recognizes(gvk) {
			t.Errorf("%s is not known", gvk)
		}
	}
	if seen < 100 {
		t.Errorf("only %d kinds were looked at", seen)
	}
}
