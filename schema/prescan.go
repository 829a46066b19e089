package schema

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Limits of a document. They are far above any real playbook and far below
// what would make the program slow: the reader of a hostile file is refused at
// once, with a reason.
const (
	MaxBytes = 256 << 10 // a playbook of 256 KiB is generated, and wrongly
	maxDepth = 64
	maxNodes = 20_000
)

const byteOrderMark = "\xef\xbb\xbf"

// prescan refuses what the YAML parser must not see: its cost grows with the
// number of values, and it takes characters for line breaks that
// no editor shows as one.
func prescan(file string, src []byte) Diagnostics {
	if len(src) > MaxBytes {
		return oneDiagnostic(Pos{File: file, Line: 1, Col: 1}, fmt.Sprintf("%d bytes is more than the limit of %d", len(src), MaxBytes), "split it into several playbooks")
	}
	at, values := Pos{File: file, Line: 1, Col: 1}, 0
	for rest := src; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			return oneDiagnostic(at, "this is not UTF-8 text", "save the file as UTF-8")
		}
		if hidden(r) && (r != '\r' || !bytes.HasPrefix(rest, []byte("\r\n"))) {
			return oneDiagnostic(at, fmt.Sprintf("the character %U cannot be used", r), "remove it, or write it in double quotes as an escape")
		}
		rest = rest[n:]
		if r == '\n' || r == ',' {
			values++
		}
		if values > maxNodes {
			return oneDiagnostic(at, fmt.Sprintf("more than %d lines or values", maxNodes), "split it into several playbooks")
		}
		at.Col++
		if r == '\n' {
			at.Line, at.Col = at.Line+1, 1
		}
	}
	return nil
}

// hidden says whether a character cannot be seen where it stands: controls,
// the line breaks that only YAML knows, and the marks that reorder text so that
// it reads other than it runs.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ' || r == 0x7f || r >= 0x80 && r <= 0x9f:
		return true
	case r == 0x2028 || r == 0x2029 || r == 0xfeff:
		return true
	default:
		return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}
}
