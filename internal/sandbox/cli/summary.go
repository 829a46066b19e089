package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/load"
)

// settle is the window in which the traffic must look as the scenario promises.
const settle = 1500 * time.Millisecond

// awaitTraffic waits until customers see what the scenario promises.
func awaitTraffic(ctx context.Context, o upOptions) error {
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	cfg, err := o.dir.ReadConfig()
	if err != nil {
		return err
	}
	expected := float64(o.rate) * settle.Seconds()
	// a few requests more or less must not decide
	tolerance := 0.03 + 1/expected
	var seen load.Figures
	for {
		r, err := readLoad(ctx, cfg, settle)
		if err == nil {
			seen = r.Window.Figures
		}
		if float64(seen.Requests) >= expected*3/4 && math.Abs(seen.ErrorShare-o.scenario.ErrorShare) < tolerance {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the traffic is not as expected: want %.0f %% errors, see %.0f %% of %d requests",
				100*o.scenario.ErrorShare, 100*seen.ErrorShare, seen.Requests)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func readLoad(ctx context.Context, cfg layout.Config, window time.Duration) (load.Report, error) {
	var r load.Report
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.LoadURL()+"?window="+window.String(), nil)
	if err != nil {
		return r, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, err
	}
	defer func() { _ = resp.Body.Close() }()
	return r, json.NewDecoder(resp.Body).Decode(&r)
}

// summary is what somebody wants to know who just started a sandbox.
func summary(ctx context.Context, out io.Writer, o upOptions, took time.Duration) error {
	cfg, err := o.dir.ReadConfig()
	if err != nil {
		return err
	}
	r, err := readLoad(ctx, cfg, 2*time.Second)
	if err != nil {
		return err
	}
	broken := o.scenario.Broken
	if broken == "" {
		broken = "nothing is broken"
	}
	fmt.Fprintf(out, "\nsandbox %q is up after %.1fs\n", o.scenario.Name, took.Seconds())
	fmt.Fprintf(out, "  state        %s\n", broken)
	fmt.Fprintf(out, "  customers    %s   errors now: %.0f %%\n", cfg.AppURL(), 100*r.Window.ErrorShare)
	fmt.Fprintf(out, "  measurement  %s\n", cfg.LoadURL())
	fmt.Fprintf(out, "  next         set -a; . %s; set +a\n", shellWord(o.dir.Env()))
	for _, line := range o.scenario.Fix {
		fmt.Fprintf(out, "               %s\n", line)
	}
	fmt.Fprintf(out, "  stop         sandbox down --dir %s\n", shellWord(string(o.dir)))
	return nil
}
