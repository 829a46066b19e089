package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
)

// rev is a revision as a table writes it.
func rev(version int, status, description string) record {
	var r record
	r.Name, r.Version, r.Info.Status, r.Info.Description = "app", version, status, description
	return r
}

// Where a rollback without a revision goes, and where it is refused.
func TestImplied(t *testing.T) {
	const done = "Upgrade complete"
	failure := `Upgrade "app" failed: timed out`
	for name, tc := range map[string]struct {
		h    history
		want int
		says string
	}{
		"the one before":             {history{rev(1, superseded, "Install complete"), rev(2, deployed, done)}, 1, ""},
		"over a failed one":          {history{rev(1, superseded, done), rev(2, failed, failure), rev(3, deployed, done)}, 1, ""},
		"the last one failed":        {history{rev(1, superseded, done), rev(2, deployed, done), rev(3, failed, failure)}, 2, ""},
		"failed, then marked so":     {history{rev(1, superseded, done), rev(2, superseded, failure), rev(3, deployed, done)}, 1, ""},
		"never begun, marked so":     {history{rev(1, superseded, done), rev(2, superseded, "Preparing upgrade"), rev(3, deployed, done)}, 1, ""},
		"after a rollback":           {history{rev(1, superseded, done), rev(2, superseded, "Rollback to 1"), rev(3, deployed, done)}, 2, ""},
		"own words":                  {history{rev(1, superseded, "release 42 of team a"), rev(2, deployed, "ok")}, 1, ""},
		"only one":                   {history{rev(1, deployed, "Install complete")}, 0, "no revision before 1"},
		"a rollback":                 {history{rev(1, superseded, done), rev(2, superseded, done), rev(3, deployed, "Rollback to 1")}, 0, "itself a rollback to 1"},
		"a rollback of ours":         {history{rev(1, superseded, done), rev(2, superseded, done), rev(3, deployed, describe(1, "r-1/steps/x"))}, 0, "itself a rollback to 1"},
		"a failed rollback, helm 3":  {history{rev(1, superseded, done), rev(2, superseded, done), rev(3, failed, `Rollback "app" failed: no`)}, 0, "itself a rollback,"},
		"one that waited, helm 3":    {history{rev(1, superseded, done), rev(2, superseded, done), rev(3, failed, `Release "app" failed: timed out`)}, 0, "itself a rollback,"},
		"a gap":                      {history{rev(1, superseded, done), rev(3, deployed, done)}, 0, "lacks revision 2"},
		"two are deployed":           {history{rev(1, deployed, done), rev(2, deployed, done)}, 0, "several"},
		"two before a failed one":    {history{rev(1, deployed, done), rev(2, deployed, done), rev(3, failed, failure)}, 0, "several"},
		"uninstalled, history kept":  {history{rev(1, superseded, done), rev(2, "uninstalled", "Uninstallation complete")}, 0, "no current one"},
		"nothing before ever worked": {history{rev(1, failed, `Release "app" failed: no`), rev(2, deployed, done)}, 0, "no revision before 2"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := tc.h.implied()
			if r.Version != tc.want || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%d %v", r.Version, err)
			}
		})
	}
}

// Helm 4 says what it goes back to in a field of its own, also when it fails.
func TestRollsBack(t *testing.T) {
	r := rev(3, failed, `Rollback "app" failed: no`)
	r.Info.RollbackTo = 1
	if to, is := r.rollsBack(); to != 1 || !is {
		t.Error(to, is)
	}
	if long := describe(1, strings.Repeat("k", 400)); len(long) > mostDescription || !rev(2, deployed, long).ours(strings.Repeat("k", 400)) {
		t.Error(long)
	}
	if rev(2, deployed, describe(1, "r-1/steps/x")).ours("r-2/steps/x") {
		t.Error("another run takes it for its own")
	}
}

func pack(t testing.TB, text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(base64.StdEncoding.EncodeToString(b.Bytes()))
}

func TestUnpack(t *testing.T) {
	const text = `{"name":"app","version":2,"info":{"status":"deployed"},"config":{"password":"canary"}}`
	for name, stored := range map[string][]byte{"compressed": pack(t, text), "old": []byte(base64.StdEncoding.EncodeToString([]byte(text)))} {
		if r, err := unpack(stored); err != nil || r.Version != 2 || r.Info.Status != deployed {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	for _, bad := range [][]byte{nil, []byte("%"), pack(t, "{}"), pack(t, "no"), pack(t, text)[:40]} {
		if r, err := unpack(bad); err == nil {
			t.Errorf("%q gives %+v", bad, r)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, `{"name":"app","version":1,"info":{"status":"failed"}}`))
	f.Add([]byte("H4sI"))
	f.Add([]byte("e30="))
	f.Fuzz(func(_ *testing.T, stored []byte) {
		if r, err := unpack(stored); err == nil {
			_, _ = r.rollsBack()
			_ = r.worked()
		}
	})
}

func TestParse(t *testing.T) {
	objects, err := parse("# nothing\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n")
	if err != nil || len(objects) != 2 || objects[0].GetName() != "a" || objects[1].GetName() != "b" {
		t.Errorf("%v %v", objects, err)
	}
	for _, bad := range []string{"canary", "a: [canary", "kind: Pod", "apiVersion: v1\nkind: Pod\nmetadata: {canary: x}"} {
		if _, err := parse(bad); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nx: y")
	f.Add("apiVersion: v1\nkind: List\nitems: [1]")
	f.Add("---\n---\n- a")
	f.Fuzz(func(t *testing.T, manifest string) {
		objects, err := parse(manifest)
		for _, o := range objects {
			if err == nil && (o.GetName() == "" || o.GetKind() == "") {
				t.Errorf("%v", o)
			}
		}
	})
}
