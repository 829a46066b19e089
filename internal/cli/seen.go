package cli

import (
	"bytes"
	"io"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// seen is what people read. Titles, messages and outputs come from elsewhere, and
// what would steer a terminal, or turn the order of characters around, is replaced:
// a reviewer must read what there is. Colours pass, and so does the output for
// programs, which escapes what is not text.
type seen struct {
	to      io.Writer
	machine func() bool
}

var colour = regexp.MustCompile(`^\x1b\[[0-9;]*m`)

// Write implements io.Writer.
func (s seen) Write(p []byte) (int, error) {
	if s.machine() || bytes.IndexFunc(p, steers) < 0 {
		return s.to.Write(p)
	}
	var out []byte
	for rest := p; len(rest) > 0; {
		at := bytes.IndexFunc(rest, steers)
		if at < 0 {
			out = append(out, rest...)
			break
		}
		out = append(out, rest[:at]...)
		rest = rest[at:]
		switch c := colour.Find(rest); {
		case c != nil:
			out, rest = append(out, c...), rest[len(c):]
		case bytes.HasPrefix(rest, []byte("\r\n")):
			out, rest = append(out, "\r\n"...), rest[2:]
		default:
			_, n := utf8.DecodeRune(rest)
			out, rest = append(out, "�"...), rest[n:]
		}
	}
	if _, err := s.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func steers(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || turns(r)
}

// turns says whether a character changes the order in which others are shown
// (Unicode, UAX 9: embeddings, overrides, isolates).
func turns(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// canvas is a terminal as it is, for who draws on it and cleans what is drawn.
func canvas(w io.Writer) io.Writer {
	if s, ok := w.(seen); ok {
		return s.to
	}
	return w
}
