package httpcheck

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

type checkIn struct {
	URL           string            `json:"url" doc:"address to ask, with http or https"`
	Method        string            `json:"method" enum:"GET|HEAD|POST|OPTIONS" default:"GET" doc:"method of the requests"`
	Status        int               `json:"status" default:"200" minimum:"100" maximum:"599" doc:"status that is expected; redirects are not followed, a login page would count as healthy"`
	Contains      string            `json:"contains,omitempty" doc:"text that the body must contain, within its first 1 MiB"`
	Headers       map[string]string `json:"headers,omitempty" secret:"true" doc:"headers to send; Host sets the name of the host"`
	VersionHeader string            `json:"version_header" default:"X-App-Version" doc:"header in which the application says its version"`
	Version       string            `json:"version,omitempty" doc:"version that must answer; without it any may"`
	Requests      int               `json:"requests" default:"5" minimum:"1" maximum:"1000" doc:"number of requests"`
	Pass          *int              `json:"pass,omitempty" minimum:"1" doc:"number of requests that must pass; without it all"`
	Every         schema.Duration   `json:"every" default:"100ms" doc:"time between two requests"`
	Timeout       schema.Duration   `json:"timeout" default:"3s" doc:"time that one request may take"`
}

type checkOut struct {
	OK         bool           `json:"ok" doc:"whether enough requests passed"`
	Passed     int            `json:"passed" doc:"number of requests that passed"`
	Total      int            `json:"total" doc:"number of requests made"`
	ErrorShare float64        `json:"error_share" doc:"share of requests that did not pass, 0 to 1"`
	Status     *int           `json:"status" doc:"last status that was answered; unknown when nothing answered"`
	P95MS      *int           `json:"p95_ms" doc:"time within which 95 of 100 answers came, in milliseconds; unknown when nothing answered"`
	Versions   map[string]int `json:"versions" doc:"number of answers by the version that gave them"`
	Error      string         `json:"error" doc:"why the last request that did not pass did not; empty when all passed"`
}

func checkAction() actions.Action {
	return actions.Define(actions.Def[checkIn, struct{}, checkOut]{
		Name:    "http.check",
		Summary: "Ask an address several times and tell how many requests passed, how fast, and which versions answered; a failing check is a result, not an error.",
		Effect:  actions.Observe,
		Prepare: func(_ context.Context, _ *actions.Call, in checkIn) (struct{}, error) { return struct{}{}, in.valid() },
		Preview: func(_ context.Context, _ *actions.Call, in checkIn, _ struct{}) (actions.Preview, error) {
			return actions.Preview{Label: actions.Exact, Summary: fmt.Sprintf("asks %s %d times", in.URL, in.Requests)}, nil
		},
		Run:  run,
		Tell: tell,
		Examples: []actions.Example{
			{Title: "See that the service is healthy", YAML: "uses: http.check\nwith: {url: \"http://app.example.com/health\"}\nexpect: outputs.ok"},
			{Title: "See that the stable version alone answers", YAML: "uses: http.check\nwith: {url: \"http://app.example.com/\", version: 1.4.2, requests: 20}\nverify: {until: outputs.ok, for: 10s, within: 1m}"},
		},
	})
}

func (in checkIn) valid() error {
	u, err := url.Parse(in.URL)
	switch {
	case err != nil:
		return actions.Invalid("write it like http://host:port/path", "url cannot be read: %w", err)
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return actions.Invalid("write it like http://host:port/path", "url %q is not an http address", in.URL)
	case in.Pass != nil && *in.Pass > in.Requests:
		return actions.Invalid("pass is at most requests", "%d requests cannot pass when %d are made", *in.Pass, in.Requests)
	}
	return nil
}

func run(ctx context.Context, c *actions.Call, in checkIn, _ struct{}) (checkOut, error) {
	out := checkOut{Versions: map[string]int{}}
	if err := in.valid(); err != nil {
		return out, err
	}
	client := newClient(in.Timeout.Std())
	var took []time.Duration
	for i := range in.Requests {
		if i > 0 {
			if err := c.Wait(ctx, in.Every.Std()); err != nil {
				return out, fmt.Errorf("checking %s: %w", in.URL, err)
			}
		}
		a := ask(ctx, client, in)
		if ctx.Err() != nil {
			return out, fmt.Errorf("checking %s: %w", in.URL, actions.Cause(ctx, ctx.Err()))
		}
		out.add(a)
		if a.status != 0 {
			took = append(took, a.took)
		}
	}
	out.judge(in, took)
	return out, nil
}

func (out *checkOut) add(a answer) {
	out.Total++
	if a.status != 0 {
		out.Status = &a.status
		if a.version != "" {
			out.Versions[a.version]++
		}
	}
	if a.err == nil {
		out.Passed++
		return
	}
	out.Error = a.err.Error()
}

func (out *checkOut) judge(in checkIn, took []time.Duration) {
	need := in.Requests
	if in.Pass != nil {
		need = *in.Pass
	}
	out.OK = out.Passed >= need
	out.ErrorShare = float64(out.Total-out.Passed) / float64(out.Total)
	if len(took) > 0 {
		slices.Sort(took)
		// The nearest rank: of 5 answers it is the slowest.
		ms := int(took[(len(took)*95+99)/100-1].Milliseconds())
		out.P95MS = &ms
	}
}

// passes says why an answer does not pass, or nil.
func (in checkIn) passes(r *http.Response, version, body string) error {
	switch {
	case r.StatusCode != in.Status:
		return fmt.Errorf("answered %d, expected %d", r.StatusCode, in.Status)
	case in.Version != "" && version == "":
		return fmt.Errorf("answered without %s, expected version %s", in.VersionHeader, in.Version)
	case in.Version != "" && version != in.Version:
		return fmt.Errorf("answered by version %s, expected %s", version, in.Version)
	case in.Contains != "" && !strings.Contains(body, in.Contains):
		return fmt.Errorf("body does not contain %q", in.Contains)
	}
	return nil
}
