package terminal_test

import (
	"fmt"
	"testing"

	"github.com/runbackhq/runback/internal/terminal"
)

func TestScreen(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"lines":               {"a\r\nb\r\n", "a\nb\n"},
		"drawn over":          {"aaa\r\nbbb\r\n\x1b[2A\rxy\x1b[K\r\n\x1b[J", "xy\n\n"},
		"colours":             {"\x1b[1;31mred\x1b[0m", "red\n"},
		"wrapped":             {"0123456789ab", "0123456789\nab\n"},
		"not wrapped":         {"\x1b[?7l0123456789ab\x1b[?7h", "0123456789\n"},
		"no higher than high": {"1\r\n2\r\n3\r\n4\r\n\x1b[9Ax", "1\nx\n3\n4\n"},
	} {
		t.Run(name, func(t *testing.T) {
			whole, bytes := terminal.NewScreen(10, 4), terminal.NewScreen(10, 4)
			fmt.Fprint(whole, tc.in)
			for i := range len(tc.in) {
				_, _ = bytes.Write([]byte{tc.in[i]})
			}
			if got := whole.Text(); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if got := bytes.Text(); got != tc.want {
				t.Errorf("byte by byte: %q, want %q", got, tc.want)
			}
		})
	}
}
