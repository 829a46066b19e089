//go:build !crashpoints

package cli

import (
	"net/http"

	"github.com/runbackhq/runback/internal/journal"
)

// In the program that people run there are no crash points.
type crashPoints struct{}

func (*crashPoints) store(_ *App, s journal.Store) journal.Store         { return s }
func (*crashPoints) wire(*App) func(http.RoundTripper) http.RoundTripper { return nil }
