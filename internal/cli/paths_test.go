package cli

import "testing"

func TestPaths(t *testing.T) {
	for p, want := range map[string]struct {
		depth  int
		around string
	}{
		"a": {0, ""}, "b/c": {1, "b"}, "~rescue/r": {0, ""}, "b/~finally/f": {1, "b"}, "each[0]": {1, "each"}, "each[0]/put": {2, "each[0]"},
		"call@/x": {1, "call"}, "call@/~rescue/x": {1, "call"}, "b/each[12]/call@/deep[3]/x": {6, "b/each[12]/call@/deep[3]"}, "~success/s": {0, ""},
	} {
		if d, a := depthOf(p), around(p); d != want.depth || a != want.around {
			t.Errorf("%s: depth %d around %q, want %+v", p, d, a, want)
		}
	}
}
