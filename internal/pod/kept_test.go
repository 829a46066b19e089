package pod

import (
	"strings"
	"testing"
)

func TestKept(t *testing.T) {
	for name, tc := range map[string]struct {
		writes []string
		want   string
		cut    bool
	}{
		"nothing":                    {nil, "", false},
		"all of it":                  {[]string{"ab", "cd"}, "abcd", false},
		"one byte more":              {[]string{"ab", "cde"}, "bcde", true},
		"twice as much":              {[]string{"abcd", "efgh"}, "efgh", true},
		"much more":                  {[]string{strings.Repeat("x", 100), "yz"}, "xxyz", true},
		"a character is cut in half": {[]string{"aé123"}, "\ufffd123", true},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kept{most: 4}
			for _, w := range tc.writes {
				if n, err := k.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatal(n, err)
				}
			}
			if text, cut := k.take(); text != tc.want || cut != tc.cut {
				t.Errorf("%q cut %v, want %q cut %v", text, cut, tc.want, tc.cut)
			}
		})
	}
}

// client-go goes on to write after its context ended and it returned.
func TestKeptIsWrittenOn(t *testing.T) {
	k, done := &kept{most: 4}, make(chan struct{})
	go func() {
		defer close(done)
		for range 1000 {
			_, _ = k.Write([]byte("ab"))
		}
	}()
	text, _ := k.take()
	<-done
	if again, _ := k.take(); again != "" || len(text) > 4 {
		t.Errorf("%q, then %q", text, again)
	}
}
