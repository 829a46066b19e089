package load

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	requestTimeout = 5 * time.Second
	// mostInFlight keeps an outage from piling up requests without end
	mostInFlight = 512
)

// Generate calls url at a steady rate until the context ends, whether or not
// the answers keep up, and waits for the last of them.
func Generate(ctx context.Context, url string, perSecond int, account *Account) {
	client := &http.Client{
		Timeout:   requestTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: mostInFlight, DisableCompression: true},
		// an answer is an answer; nobody follows it elsewhere
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	if !awaitApplication(ctx, client, url) {
		return
	}
	account.Begin(time.Now())
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	slots := make(chan struct{}, mostInFlight)
	var flying sync.WaitGroup
	defer flying.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case slots <- struct{}{}:
			flying.Go(func() {
				account.Add(call(ctx, client, url))
				<-slots
			})
		default:
			account.Add(Result{At: time.Now(), Version: None, Failed: true, Latency: requestTimeout})
		}
	}
}

// awaitApplication waits until there is something to call: before the first
// deployment there are no customers either.
func awaitApplication(ctx context.Context, client *http.Client, url string) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for call(ctx, client, url).Version == None {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

func call(ctx context.Context, client *http.Client, url string) Result {
	begin := time.Now()
	r := Result{Version: None, Failed: true}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err == nil {
		var resp *http.Response
		if resp, err = client.Do(req); err == nil {
			r.read(resp)
			_ = resp.Body.Close()
		}
	}
	r.At = time.Now()
	r.Latency = r.At.Sub(begin)
	return r
}

func (r *Result) read(resp *http.Response) {
	if v := resp.Header.Get("X-App-Version"); v != "" {
		r.Version = v
	}
	_, err := io.Copy(io.Discard, resp.Body)
	r.Failed = err != nil || resp.StatusCode < 200 || resp.StatusCode > 299
}
