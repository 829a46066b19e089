package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server answers the requests of one instance.
type Server struct {
	behaviour Behaviour
	pod       string
	log       *slog.Logger
	ready     atomic.Bool
	served    atomic.Uint64
	requests  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	dbInUse   prometheus.Gauge
	registry  *prometheus.Registry
}

// NewServer makes an instance that is not ready yet.
func NewServer(b Behaviour, pod string, log *slog.Logger) *Server {
	s := &Server{
		behaviour: b, pod: pod, log: log, registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests by version and status code.",
		}, []string{"version", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"version"}),
		dbInUse: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "db_connections_in_use", Help: "Database connections taken from the pool.",
		}),
	}
	s.registry.MustRegister(s.requests, s.latency, s.dbInUse)
	return s
}

// SetReady opens or closes the instance for traffic.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

// Handler routes the paths of the application.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.serve)
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("/ready", s.serveReady)
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) {
		s.answer(w, http.StatusOK, s.behaviour.Version)
	})
	mux.Handle("/metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	return mux
}

func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() || s.behaviour.NeverUp {
		s.answer(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	s.answer(w, http.StatusOK, "ready")
}

// serve is the application proper.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	n := s.served.Add(1)
	if s.behaviour.Delay > 0 {
		select {
		case <-time.After(s.behaviour.Delay):
		case <-r.Context().Done():
		}
	}
	code, reason := http.StatusOK, ""
	switch {
	case s.leaked(n):
		code, reason = http.StatusInternalServerError, "no database connection left in the pool"
	case fails(n, s.behaviour.FailShare):
		code, reason = http.StatusInternalServerError, "order total is negative"
	}
	s.requests.WithLabelValues(s.behaviour.Version, strconv.Itoa(code)).Inc()
	s.latency.WithLabelValues(s.behaviour.Version).Observe(time.Since(begin).Seconds())
	if reason != "" {
		s.log.Error("request failed", "path", r.URL.Path, "code", code, "reason", reason, "version", s.behaviour.Version)
	}
	s.answer(w, code, reason)
}

// fails spreads failures evenly over the requests of an instance: the share is
// then exact after a few requests, and nobody has to wait for luck.
func fails(n uint64, share float64) bool {
	return uint64(float64(n)*share) != uint64(float64(n-1)*share)
}

// leaked counts a connection that is never given back.
func (s *Server) leaked(n uint64) bool {
	if s.behaviour.LeakLimit == 0 {
		return false
	}
	inUse := min(n, uint64(s.behaviour.LeakLimit))
	s.dbInUse.Set(float64(inUse))
	return n > uint64(s.behaviour.LeakLimit)
}

func (s *Server) answer(w http.ResponseWriter, code int, message string) {
	h := w.Header()
	h.Set("X-App-Version", s.behaviour.Version)
	h.Set("X-App-Pod", s.pod)
	h.Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := map[string]string{"version": s.behaviour.Version, "pod": s.pod}
	if message != "" {
		body["message"] = message
	}
	// the client may be gone; there is nobody else to tell
	_ = json.NewEncoder(w).Encode(body)
}
