package terraform

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
)

func TestStateInAPlan(t *testing.T) {
	for name, tc := range map[string]struct {
		file, text string
		want       snapshot
	}{
		"as terraform writes it":   {"tfstate", `{"version":4,"terraform_version":"1.9.0","serial":7,"lineage":"aaaa","outputs":{},"resources":[]}`, snapshot{7, "aaaa"}},
		"lineage first":            {"tfstate", `{"outputs":{"serial":{"value":9}},"lineage":"aaaa","serial":7}`, snapshot{7, "aaaa"}},
		"the rest is not read":     {"tfstate", `{"serial":7,"lineage":"aaaa","resources":[{]`, snapshot{7, "aaaa"}},
		"no state yet":             {"tfstate", `{"version":4,"serial":0,"lineage":"made-up"}`, snapshot{}},
		"no lineage":               {"tfstate", `{"version":4,"serial":7}`, snapshot{}},
		"cut off":                  {"tfstate", `{"version":4,"serial":7,"line`, snapshot{}},
		"not an object":            {"tfstate", `[1,2]`, snapshot{}},
		"serial is something else": {"tfstate", `{"serial":"7","lineage":"aaaa"}`, snapshot{}},
		"no state in it":           {"tfplan", `{"serial":7,"lineage":"aaaa"}`, snapshot{}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "plan")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			z := zip.NewWriter(f)
			w, err := z.Create(tc.file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(tc.text)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			got, known := stateIn(path)
			if known != (tc.want != snapshot{}) || known && got != tc.want {
				t.Errorf("%+v, known %v", got, known)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "plan")
	if err := os.WriteFile(path, []byte("encrypted"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, known := stateIn(path); known {
		t.Error("no archive, and known")
	}
}
