package load

import (
	"encoding/json"
	"net/http"
	"time"
)

const usualWindow = 5 * time.Second

// Handler answers what the account says: everything at /, the series at /series.
func Handler(a *Account) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /series", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.Series()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("series") {
			writeJSON(w, a.Series())
			return
		}
		window := usualWindow
		if text := r.URL.Query().Get("window"); text != "" {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 || d > keep {
				http.Error(w, "window: want a duration up to "+keep.String()+", such as 10s", http.StatusBadRequest)
				return
			}
			window = d
		}
		writeJSON(w, a.Report(time.Now(), window))
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// a client that went away is no concern of ours
	_ = json.NewEncoder(w).Encode(v)
}
