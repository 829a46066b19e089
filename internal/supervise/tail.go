package supervise

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Text is the end of an output.
type Text struct {
	Text string
	// Cut says that there was more: before what is given, or behind what was
	// kept.
	Cut bool
}

// Output gives the last most bytes of what was kept of an output. The stream
// says how much of the file is the child's; behind it there is only the marker.
func (c *Child) Output(stderr bool, s Stream, most int64) (Text, error) {
	name := stdoutFile
	if stderr {
		name = stderrFile
	}
	from := max(0, s.Kept-most)
	b, err := section(filepath.Join(c.dir, name), from, s.Kept-from)
	return Text{Text: strings.ToValidUTF8(string(b), "\ufffd"), Cut: from > 0 || s.Bytes > s.Kept}, err
}

// section reads a part of a file; what is not there is not read.
func section(path string, from, n int64) (b []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.NewSectionReader(f, from, n))
}

// LastLine is the last whole line that the child wrote to standard error, or
// else to standard output, as far as it is known by now; "" when there is none.
// It is for people, so control characters are left out.
func (c *Child) LastLine() string {
	for _, name := range []string{stderrFile, stdoutFile} {
		path := filepath.Join(c.dir, name)
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		const window = 2048
		from := max(0, info.Size()-window)
		b, err := section(path, from, window)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.ToValidUTF8(string(b), ""), "\n")
		for i := len(lines) - 2; i >= 0; i-- { // behind the last newline is no whole line
			if line := strings.TrimSpace(strings.Map(printable, lines[i])); line != "" {
				return line
			}
		}
	}
	return ""
}

func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}
