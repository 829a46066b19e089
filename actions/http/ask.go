package httpcheck

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mostBody bounds what is read of an answer.
const mostBody = 1 << 20

// answer is the outcome of one request.
type answer struct {
	status  int // 0 when nothing answered
	version string
	took    time.Duration
	err     error // why it does not pass
}

func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			Proxy:             proxyFor,
			DialContext:       (&net.Dialer{Timeout: timeout}).DialContext,
		},
	}
}

// proxyFor leaves out the proxy of the environment for this very machine.
// net/http does so for localhost and 127.x already; this says it for all of
// the loopback addresses.
func proxyFor(r *http.Request) (*url.URL, error) {
	host := r.URL.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// ask makes one request on a connection of its own. The time is that of the
// whole answer, connecting included, as a new user would see it.
func ask(ctx context.Context, client *http.Client, in checkIn) answer {
	r, err := request(ctx, in)
	if err != nil {
		return answer{err: err}
	}
	elapsed := stopwatch()
	resp, err := client.Do(r)
	if err != nil {
		return answer{err: fmt.Errorf("no answer: %w", err)}
	}
	defer func() { _ = resp.Body.Close() }()
	version := resp.Header.Get(in.VersionHeader)
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBody))
	a := answer{status: resp.StatusCode, version: version, took: elapsed()}
	if err != nil {
		a.err = fmt.Errorf("answer broke off: %w", err)
		return a
	}
	a.err = in.passes(resp, version, string(body))
	return a
}

func request(ctx context.Context, in checkIn) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, in.Method, in.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("request cannot be made: %w", err)
	}
	r.Header.Set("Cache-Control", "no-cache")
	r.Header.Set("User-Agent", "runback")
	for name, value := range in.Headers {
		if strings.EqualFold(name, "Host") {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	return r, nil
}
