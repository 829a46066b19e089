package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

type statusView struct {
	ID       string           `json:"id"`
	Playbook string           `json:"playbook"`
	Version  string           `json:"version"`
	Digest   string           `json:"digest"`
	Status   journal.Status   `json:"status"`
	Started  time.Time        `json:"started"`
	Ended    *time.Time       `json:"ended,omitempty"`
	Deadline time.Time        `json:"deadline"`
	User     string           `json:"user"`
	Reason   string           `json:"reason"`
	Inputs   map[string]any   `json:"inputs"`
	Identity journal.Identity `json:"identity,omitempty"`
	Message  string           `json:"message,omitempty"`
	Changed  bool             `json:"changed"`
	Open     []journal.Owed   `json:"obligations,omitempty"`
	Undoes   string           `json:"undoes,omitempty"`
	Steps    []stepView       `json:"steps"`
}

type stepView struct {
	Path    string           `json:"path"`
	Status  journal.Status   `json:"status"`
	Started *time.Time       `json:"started,omitempty"`
	Ended   *time.Time       `json:"ended,omitempty"`
	Attempt int              `json:"attempt,omitempty"`
	Intent  *journal.Intent  `json:"intent,omitempty"`
	Outputs map[string]any   `json:"outputs,omitempty"`
	Failure *journal.Failed  `json:"failure,omitempty"`
	Skipped *journal.Skipped `json:"skipped,omitempty"`
	Decided *journal.Decided `json:"decided,omitempty"` // what a person said of it
}

func (a *App) statusCmd() *cobra.Command {
	var events, watch bool
	cmd := &cobra.Command{
		Use:   "status RUN",
		Short: "Show how a run stands: every step with what it did",
		Long: `Show how a run stands. With --watch it follows a run of whatever process until it
ends, and its exit code is that of the run; Ctrl-C ends the watching, not the run.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.runIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				return a.watch(cmd.Context(), args[0])
			}
			if cmd.Flags().Changed("progress") {
				return usage("add --watch, or use -o json", "--progress is how a run is shown while it is followed")
			}
			if events {
				return a.showEvents(cmd.Context(), args[0])
			}
			state, err := a.load(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			state.Status = liveStatus(state)
			if a.data() {
				return a.print(viewOf(state))
			}
			a.statusScreen(state, a.told(state))
			return nil
		},
	}
	cmd.Flags().BoolVar(&events, "events", false, "the journal itself, event by event")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "follow it until it ends")
	a.progressFlag(cmd)
	a.outputFlag(cmd)
	return cmd
}

func (a *App) showEvents(ctx context.Context, id string) error {
	events, err := a.events(ctx, id)
	if err != nil {
		return err
	}
	if a.data() {
		return a.print(events)
	}
	return a.table([]string{"SEQ", "TIME", "EVENT", "PATH", "HASH"}, len(events), func(i int) []string {
		e := events[i]
		return []string{strconv.Itoa(e.Seq), e.Time.Local().Format("15:04:05.000"), string(e.Type), e.Path, e.Hash[:12]}
	})
}

func viewOf(s *journal.State) statusView {
	v := statusView{
		ID: s.ID, Playbook: s.Started.Playbook, Version: s.Started.Version, Digest: s.Started.Digest, Status: s.Status,
		Started: s.At, Ended: timeOrNil(s.Ended), Deadline: s.Started.Deadline, User: s.Started.User, Reason: s.Started.Reason,
		Inputs: s.Started.Inputs, Identity: s.Started.Identity, Message: s.End.Message, Changed: s.Changed,
		Open: s.Open, Undoes: s.Started.Undoes,
	}
	for _, p := range s.Order {
		st := s.Steps[p]
		sv := stepView{Path: p, Status: stepStatus(st), Started: timeOrNil(st.Start), Ended: timeOrNil(st.End), Attempt: st.Attempt, Intent: st.Intent, Outputs: st.Outputs, Failure: st.Failure, Decided: st.Decision}
		if st.Skipped != nil {
			sv.Skipped = &journal.Skipped{Guard: *st.Skipped}
		}
		v.Steps = append(v.Steps, sv)
	}
	return v
}

func stepStatus(st *journal.StepState) journal.Status {
	if st.Status == "" {
		return journal.Running
	}
	return st.Status
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// told gives the words for outputs. The recorded playbook names the actions; a
// step whose action is no longer known is told by its outputs alone.
func (a *App) told(s *journal.State) func(path string, out actions.Outputs) string {
	var p *executor.Program
	if _, registry, err := a.world(); err == nil {
		p, _ = executor.Compile(s.Started.Source, registry)
	}
	return func(path string, out actions.Outputs) string {
		if p == nil {
			return facts(out)
		}
		if n := p.At(path); n != nil && n.Action != nil {
			return cmp.Or(n.Action.Told(out), facts(out))
		}
		return facts(out)
	}
}

func (a *App) statusScreen(s *journal.State, told func(string, actions.Outputs) string) {
	st, w := a.style(a.OutTTY), a.Out
	fmt.Fprintf(w, "%s  %s  %s %s  %s\n", st.bold(s.ID), paintStatus(st, s.Status), s.Started.Playbook, s.Started.Version, s.Started.Title)
	fmt.Fprintf(w, "  started   %s by %s: %q\n", s.At.Local().Format("2006-01-02 15:04:05"), s.Started.User, s.Started.Reason)
	if !s.Ended.IsZero() {
		fmt.Fprintf(w, "  ended     %s after %s\n", s.Ended.Local().Format("2006-01-02 15:04:05"), seconds(s.Ended.Sub(s.At)))
	}
	fmt.Fprintf(w, "  deadline  %s\n", s.Started.Deadline.Local().Format("2006-01-02 15:04:05"))
	for _, p := range parts(s.Started.Identity) {
		fmt.Fprintf(w, "  target    %s\n", wrapWords(strings.Fields(p.line()), a.Width-12, 12))
	}
	fmt.Fprintln(w)
	each := foldTurns(s)
	for _, p := range s.Order {
		if n := each.count(p); n > 0 {
			a.wrapped("  "+strings.Repeat("  ", depthOf(p)), st.dim(fmt.Sprintf("… %d more turns went well: %s -o json lists them", n, a.command("status "+s.ID))))
		}
		if !each.within(p) {
			a.statusStep(st, s.Steps[p], told)
		}
	}
	if s.End.Message != "" {
		fmt.Fprintln(w)
		a.wrapped("  ", s.End.Message)
	}
	a.owed(st, s)
	if s.Status == journal.InDoubt {
		fmt.Fprintln(w)
		a.doubts(st, s)
	}
	if s.Status.Resumable() && s.Status != journal.InDoubt && s.Status != journal.Running {
		fmt.Fprintf(w, "\n  go on: %s\n", st.info(a.command("resume "+s.ID)))
	}
}

func (a *App) statusStep(st style, s *journal.StepState, told func(string, actions.Outputs) string) {
	depth := depthOf(s.Path)
	took := ""
	if !s.Start.IsZero() && !s.End.IsZero() {
		took = seconds(s.End.Sub(s.Start))
	}
	sign := strings.SplitN(paintStatus(st, stepStatus(s)), " ", 2)[0]
	if st.on && !strings.HasSuffix(sign, "\x1b[0m") {
		sign += "\x1b[0m"
	}
	label := s.Path[strings.LastIndexByte(s.Path, '/')+1:]
	fmt.Fprintf(a.Out, "  %s%s %-*s %-16s %s\n", strings.Repeat("  ", depth), sign, 32-2*depth, label, stepStatus(s), st.dim(took))
	in := "      " + strings.Repeat("  ", depth)
	switch {
	case s.Asked != nil && s.Answer == nil && s.Status == "":
		a.wrapped(in, "waits for a person: "+s.Asked.Question.Text+"  answer: "+a.command("approve RUN "+label))
	case s.Failure != nil:
		a.wrapped(in, s.Failure.Message)
	case s.Skipped != nil:
		a.wrapped(in, s.Skipped.String())
	case s.Status == journal.Skip && s.Decision != nil:
		a.wrapped(in, fmt.Sprintf("left out by %s: %s", s.Decision.User, s.Decision.Reason))
	case s.Intent != nil:
		a.wrapped(in, strings.TrimSpace(s.Intent.Preview.Object+" "+s.Intent.Preview.Summary))
	case len(s.Outputs) > 0:
		a.wrapped(in, st.dim(told(s.Path, s.Outputs)))
	}
}
