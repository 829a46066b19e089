package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/secret"
)

const key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQ==\n-----END KEY-----"

func book(t testing.TB) *secret.Book {
	t.Helper()
	b, err := secret.NewBook("r-1", map[string]string{"token": `p&s "w/ö`, "longer": `p&s "w/ö and more`, "key": key})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHiddenInEveryForm(t *testing.T) {
	v := `p&s "w/ö`
	quoted, _ := json.Marshal(v)
	for _, text := range []string{
		"a " + v + " b", url.QueryEscape(v), url.PathEscape(v), string(quoted), "Basic " + base64.StdEncoding.EncodeToString([]byte(v)),
		base64.RawURLEncoding.EncodeToString([]byte(v)), "line: MIIEvQIBADANBgkqhkiG9w0BAQEF",
	} {
		if got := book(t).Hide(text); !strings.Contains(got, "⟦secret ") || strings.Contains(got, v) {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	if got := book(t).Hide("x " + v + " and more"); got != "x ⟦secret longer of r-1⟧" {
		t.Errorf("%q", got)
	}
	if got := book(t).Reveal("Bearer ⟦secret token of r-1⟧ ⟦secret token of r-2⟧"); got != "Bearer "+v+" ⟦secret token of r-2⟧" {
		t.Errorf("%q", got)
	}
}

// What stands around a secret moves its characters in base64.
func TestHiddenWithinBase64(t *testing.T) {
	v := `p&s "w/ö`
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 7 {
			for after := range 7 {
				text := enc.EncodeToString([]byte(strings.Repeat("x", before) + v + strings.Repeat("y", after)))
				got := book(t).Hide(text)
				left, _ := enc.DecodeString(strings.Split(got, "⟦")[0])
				if !strings.Contains(got, "⟦secret ") || len(left) > before+1 {
					t.Errorf("%d before and %d after: %q is shown as %q", before, after, text, got)
				}
			}
		}
	}
}

func TestHiddenInDocuments(t *testing.T) {
	doc := map[string]any{"a": []any{`x p&s "w/ö`, 1.5, nil, true}, `p&s "w/ö`: map[string]any{"k": key}}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := book(t).HideJSON(raw)
	if err != nil || strings.Contains(string(hidden), "w/ö") || strings.Contains(string(hidden), "MIIE") || !strings.Contains(string(hidden), "1.5") {
		t.Fatalf("%s %v", hidden, err)
	}
	again, err := book(t).RevealJSON(hidden)
	if err != nil || string(again) != string(raw) {
		t.Errorf("%s\n%s %v", again, raw, err)
	}
}

func TestTooShortToBeHidden(t *testing.T) {
	if _, err := secret.NewBook("r-1", map[string]string{"password": "password"}); err == nil {
		t.Error("a secret that is its name")
	}
	if _, err := secret.NewBook("r-1", map[string]string{"pin": "1234"}); err == nil || strings.Contains(err.Error(), "1234") {
		t.Error(err)
	}
}

func TestNothingToHide(t *testing.T) {
	var b *secret.Book
	if b.Hide("x") != "x" || b.Reveal("y") != "y" || len(b.Marks()) != 0 || !b.Empty() {
		t.Error("the empty book changes text")
	}
}

func FuzzHide(f *testing.F) {
	f.Add("hunter22", "password is hunter22")
	f.Add("a\nb\"c\\d", "a\nb")
	f.Fuzz(func(t *testing.T, value, text string) {
		b, err := secret.NewBook("r", map[string]string{"s": value})
		if err != nil || strings.Contains("⟦secret s of r⟧", value) {
			return
		}
		if got := b.Hide(text + value + text); strings.Contains(strings.ReplaceAll(got, "⟦secret s of r⟧", "\x00"), value) {
			t.Errorf("%q in %q", value, got)
		}
	})
}
