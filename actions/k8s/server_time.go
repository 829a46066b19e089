package k8s

import (
	"context"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/runbackhq/runback/actions"
)

// now is what the clock of the API server says, to the second. How old an event
// or a sample is can be told by it only: they carry times of the cluster, and
// the clock of this machine may be wrong.
func (cl *Cluster) now(ctx context.Context) (time.Time, error) {
	web, err := rest.HTTPClientFor(cl.config)
	if err != nil {
		return time.Time{}, explain(ctx, err, "asking the API server for its time")
	}
	base := cl.API.REST.Get().AbsPath("/version").URL().String()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, base, nil)
	if err != nil {
		return time.Time{}, explain(ctx, err, "asking the API server for its time")
	}
	resp, err := web.Do(r)
	if err != nil {
		return time.Time{}, explain(ctx, err, "asking the API server for its time")
	}
	defer func() { _ = resp.Body.Close() }()
	at, err := http.ParseTime(strings.TrimSpace(resp.Header.Get("Date")))
	if err != nil {
		// Without its time nothing is known of an age, and an unknown age must not
		// pass for a young one.
		return time.Time{}, actions.Unreachable("asking the API server for its time: it answered %s and told none", resp.Status)
	}
	return at, nil
}

// ago is how many seconds before now something was; never below 0, since the
// clocks of a cluster differ a little.
func ago(now, at time.Time) int { return max(0, int(now.Sub(at).Seconds())) }
