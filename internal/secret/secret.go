// Package secret keeps secrets out of whatever is written or shown: where one
// would stand there stands a mark, and who may use it is given the value again.
package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Shortest is the least number of bytes of a secret. A shorter one could not be
// told from other text, and to hide it would destroy what is shown.
const Shortest = 6

// longLine is the length from which a line of a secret of several lines is
// hidden for itself: output is read line by line.
const longLine = 16

// Book holds the secrets of one run. The zero value holds none.
type Book struct {
	marks  map[string]string // by name
	values map[string]string
	hide   *strings.Replacer
	reveal *strings.Replacer
}

// NewBook makes a book. The mark of a secret names it and the run, so that text
// which a stranger made up is not taken for one.
func NewBook(run string, values map[string]string) (*Book, error) {
	b := &Book{marks: map[string]string{}, values: values}
	var hide, reveal []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if len(v) < Shortest {
			return nil, fmt.Errorf("secret %s has %d bytes, fewer than the %d that can be kept out of what is shown", name, len(v), Shortest)
		}
		b.marks[name] = fmt.Sprintf("⟦secret %s of %s⟧", name, run)
		if strings.Contains(b.marks[name], v) {
			return nil, fmt.Errorf("secret %s stands in its own name, so it cannot be hidden", name)
		}
		reveal = append(reveal, b.marks[name], v)
	}
	// Of two secrets one may hold the other: the longer one is hidden first.
	names := slices.SortedFunc(maps.Keys(values), func(x, y string) int { return len(values[y]) - len(values[x]) })
	for _, name := range names {
		for _, form := range forms(values[name]) {
			hide = append(hide, form, b.marks[name])
		}
	}
	b.hide, b.reveal = strings.NewReplacer(hide...), strings.NewReplacer(reveal...)
	return b, nil
}

// forms lists how a secret may be written, the longest first.
func forms(v string) []string {
	quoted, _ := json.Marshal(v) // of a string it never fails
	out := []string{
		v, strings.Trim(string(quoted), `"`), url.QueryEscape(v), url.PathEscape(v),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawStdEncoding.EncodeToString([]byte(v)),
		base64.URLEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
	}
	for before := range 3 {
		out = append(out, within(base64.RawStdEncoding, v, before), within(base64.RawURLEncoding, v, before))
	}
	for line := range strings.Lines(v) {
		if line = strings.TrimRight(line, "\r\n"); len(line) >= longLine {
			out = append(out, line)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(out)
}

// within gives the characters that a secret has in base64 whatever stands around
// it, as in HTTP Basic, where a name stands before it: three bytes make four
// characters, so they depend on how many bytes of the last three are before it.
func within(enc *base64.Encoding, v string, before int) string {
	text := enc.EncodeToString(append(make([]byte, before), v...))
	own := (before*8 + 5) / 6 // the characters before this one hold bits of others
	return text[own : (before+len(v))*8/6]
}

// Empty says whether there is nothing to hide.
func (b *Book) Empty() bool { return b == nil || len(b.values) == 0 }

// Marks gives what stands for each secret, by name.
func (b *Book) Marks() map[string]any {
	out := map[string]any{}
	if b != nil {
		for name, mark := range b.marks {
			out[name] = mark
		}
	}
	return out
}

// Hide puts marks where secrets stand.
func (b *Book) Hide(s string) string {
	if b.Empty() {
		return s
	}
	return b.hide.Replace(s)
}

// Reveal puts secrets where their marks stand.
func (b *Book) Reveal(s string) string {
	if b.Empty() {
		return s
	}
	return b.reveal.Replace(s)
}

// Err gives an error that does not say a secret and is otherwise the same.
func (b *Book) Err(err error) error {
	if err == nil || b.Hide(err.Error()) == err.Error() {
		return err
	}
	return &hiddenError{b.Hide(err.Error()), err}
}

type hiddenError struct {
	text string
	err  error
}

// Error gives the text without secrets.
func (e *hiddenError) Error() string { return e.text }

// Unwrap gives the cause, for its kind.
func (e *hiddenError) Unwrap() error { return e.err }

// HideJSON hides in every text of a document.
func (b *Book) HideJSON(raw []byte) ([]byte, error) { return b.each(raw, b.Hide) }

// RevealJSON reveals in every text of a document.
func (b *Book) RevealJSON(raw []byte) ([]byte, error) { return b.each(raw, b.Reveal) }

func (b *Book) each(raw []byte, f func(string) string) ([]byte, error) {
	if b.Empty() || len(raw) == 0 {
		return raw, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(walk(v, f))
}

func walk(v any, f func(string) string) any {
	switch x := v.(type) {
	case string:
		return f(x)
	case []any:
		for i := range x {
			x[i] = walk(x[i], f)
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[f(k)] = walk(e, f)
		}
		return out
	}
	return v
}
