package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/load"
)

// statusReport is the answer of `status -o json`.
type statusReport struct {
	Dir        string            `json:"dir"`
	Phase      layout.Phase      `json:"phase"`
	Reason     string            `json:"reason,omitempty"`
	Scenario   string            `json:"scenario,omitempty"`
	Started    *time.Time        `json:"started,omitempty"`
	Isolation  string            `json:"isolation,omitempty"`
	AppURL     string            `json:"app_url,omitempty"`
	LoadURL    string            `json:"load_url,omitempty"`
	Components []componentReport `json:"components"`
	Load       *load.Report      `json:"load,omitempty"`
}

type componentReport struct {
	Name     string `json:"name"`
	PID      int    `json:"pid"`
	Running  bool   `json:"running"`
	Restarts int    `json:"restarts"`
}

func status(ctx context.Context, args []string, stdout io.Writer) error {
	f := newFlags("status", stdout)
	path := f.String("dir", "", "folder of the sandbox (required)")
	format := f.String("o", "text", "text or json")
	if err := parse(f, args); err != nil {
		return err
	}
	dir, err := layout.Open(*path)
	if err != nil {
		return usageError{fmt.Errorf("status: --dir: %w", err)}
	}
	if *format != "text" && *format != "json" {
		return usageError{fmt.Errorf("status: -o: want text or json")}
	}
	r, err := readStatus(ctx, dir)
	if err != nil {
		return err
	}
	if *format == "json" {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	r.print(stdout)
	return nil
}

func readStatus(ctx context.Context, dir layout.Dir) (statusReport, error) {
	r := statusReport{Dir: string(dir), Phase: layout.Stopped, Components: []componentReport{}}
	state, err := dir.ReadState()
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read state: %w", err)
	}
	r.Phase, r.Reason, r.Scenario, r.Started = state.Phase, state.Reason, state.Scenario, &state.Started
	if alive := state.Supervisor.Alive(); !alive && (r.Phase == layout.Ready || r.Phase == layout.Starting) {
		r.Phase, r.Reason = layout.Stopped, "its supervisor was killed"
	}
	for _, c := range state.Components {
		r.Components = append(r.Components, componentReport{c.Name, c.Process.PID, c.Process.Alive(), c.Restarts})
	}
	if r.Phase != layout.Ready {
		return r, nil
	}
	cfg, err := dir.ReadConfig()
	if err != nil {
		return r, err
	}
	r.Isolation, r.AppURL, r.LoadURL = string(cfg.Isolation), cfg.AppURL(), cfg.LoadURL()
	if report, err := readLoad(ctx, cfg, 5*time.Second); err == nil {
		r.Load = &report
	}
	return r, nil
}

func (r statusReport) print(out io.Writer) {
	fmt.Fprintf(out, "%s: %s", r.Dir, r.Phase)
	if r.Scenario != "" {
		fmt.Fprintf(out, ", scenario %s", r.Scenario)
	}
	if r.Reason != "" {
		fmt.Fprintf(out, " (%s)", r.Reason)
	}
	fmt.Fprintln(out)
	for _, c := range r.Components {
		running := "running"
		if !c.Running {
			running = "not running"
		}
		fmt.Fprintf(out, "  %-26s pid %-8d %s, %d restarts\n", c.Name, c.PID, running, c.Restarts)
	}
	if r.Load != nil {
		fmt.Fprintf(out, "  customers: %s, %.0f %% errors in the last 5 s, p95 %.1f ms\n",
			r.AppURL, 100*r.Load.Window.ErrorShare, r.Load.Window.P95)
	}
}
