package cli

import (
	"bytes"
	"testing"
)

func TestWhatSteersIsNotShown(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain":         {"a\tb\nc ö €\n", "a\tb\nc ö €\n"},
		"colours":       {"\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"},
		"lines of DOS":  {"a\r\nb", "a\r\nb"},
		"over the line": {"good\rbad", "good�bad"},
		"a title":       {"a\x1b]0;pwn\ab", "a�]0;pwn�b"},
		"clears":        {"\x1b[2J\x1b[H", "�[2J�[H"},
		"C1":            {"a\u009b2Jb", "a�2Jb"},
		"turned around": {"a\u202eb\u2066c", "a�b�c"},
		"cut off":       {"\x1b[3", "�[3"},
		"not UTF-8":     {"\xff\x1b\xfe", "\xff�\xfe"},
	} {
		var b bytes.Buffer
		n, err := seen{&b, func() bool { return false }}.Write([]byte(tc.in))
		if b.String() != tc.want || n != len(tc.in) || err != nil {
			t.Errorf("%s: %q is shown as %q (%d, %v), want %q", name, tc.in, b.String(), n, err, tc.want)
		}
		b.Reset()
		_, _ = seen{&b, func() bool { return true }}.Write([]byte(tc.in))
		if b.String() != tc.in {
			t.Errorf("%s: for a program it is %q", name, b.String())
		}
	}
}
